/** Field manager of what the command line writes, other than the operator's. */
export const CLI_MANAGER = 'argo-access';
