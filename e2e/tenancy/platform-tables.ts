/** Tables of the platform itself. Each says why it holds no tenant's rows; every other table must have tenant_id and its fence. */
export const platformTables: Readonly<Record<string, string>> = {
  'runtime.migrations': 'which SQL files were applied',
  'runtime.job_leases': 'which node runs which job; names of jobs and groups alone',
  'events.installation': 'where the log of this installation is and how many partitions it has; one row',
  'events.move': 'where the log of this installation is on its way to; one row at most',
  'events.shift': 'by how much positions of the log differ from those of its bus, which all tenants share',
  'events.partition': 'head positions of topics, which all tenants share',
  'events.topic_settings': 'retention and largest event of a topic, which all tenants share',
  'events.segment': 'when a segment of a topic was opened and closed',
  'identity.revocation_counter': 'one number: the last place in the list of revocations',
}
