/** How this operator stands to the Lease by which only one of several makes new secrets. */
export type Standing =
  | { readonly state: 'Leads' }
  /** It would lead, but the answer to a request for a new secret of this policy was lost: it may still be followed. */
  | { readonly state: 'Held' }
  | { readonly state: 'Follows'; readonly lease: string; readonly holder: string }
  /** The Lease, as `namespace/name`, cannot be read or written: why, for people. */
  | { readonly state: 'Barred'; readonly lease: string; readonly message: string }
  /** Nobody has asked, nothing is known yet, or nobody holds the Lease for the moment. */
  | { readonly state: 'Undecided' };
