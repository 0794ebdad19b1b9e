/** A list of revoked certificates as OpenSSL has made it, with the serial AB12CD. */
export const LIST = Buffer.from(
  'MIHdMIGFAgEBMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAXgXDTI2MTEzMDE1NDcyMloXDTM2MTEyNzE1NDcyMlowFzAVAgQAqxLNFw0yNjExMzAxNTQ1MDBaoC8wLTAfBgNVHSMEGDAWgBTGrZW3bNo6HnPgsC6mors/IRuUkjAKBgNVHRQEAwIBAjAKBggqhkjOPQQDAgNHADBEAiB25eIF6Xl0a2qWCO/6bpZgAahW9kiDbFFfcXb8rGgK/gIgYEuPrYTGMoWEAZHrpcc+yXnk4l4UiDgqx75BA0Yk6xw=',
  'base64',
);
