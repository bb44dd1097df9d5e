-- what a person says about an agent, until the agent itself says something else
alter table registry.agents add column description text;
alter table registry.agents add column tags jsonb;
