/** The store that Patroni keeps its cluster in where nothing says otherwise; also the name of its role. */
export const DEFAULT_DCS = 'etcd';
