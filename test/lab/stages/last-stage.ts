/** The last stage of a run that has to do with packages alone. */
export const LAST_STAGE = 'postgresql/packages';
