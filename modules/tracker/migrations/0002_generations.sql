-- Of each generation that has ended: the version of its first end. What came later in that generation is shown as ignored.
alter table tracker.plans add column generation int4 not null default 1, add column ends jsonb not null default '{}';
alter table tracker.tasks add column ends jsonb not null default '{}';
update tracker.plans set ends = jsonb_build_object('1', ended_version) where ended_version is not null;
update tracker.tasks set ends = jsonb_build_object(generation::text, ended_version) where ended_version is not null;
alter table tracker.plans drop column ended_version;
alter table tracker.tasks drop column ended_version;
