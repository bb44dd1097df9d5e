/** The broker that tools/servers started. */
export function brokers(): string[] {
  const addresses = process.env['KAFKA_BROKERS']
  if (addresses === undefined) throw new Error('KAFKA_BROKERS is missing: run npm run test:servers')
  return addresses.split(',')
}
