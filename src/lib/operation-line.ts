/**
 * The words of an operation's command after `pgprov`, with its inventories and without options.
 * @param source the inventory of the cluster that it only reads, where it takes two
 */
export function operationLine(name: string, inventory: string, source?: string): string[] {
  return [...name.split(' '), ...(source === undefined ? [inventory] : [source, '--into', inventory])];
}
