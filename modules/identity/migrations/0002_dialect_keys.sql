-- Keys of one purpose never sign or verify for another: `access` are ours, any other the dialect's of that name.
alter table identity.signing_keys add column purpose text not null default 'access';
