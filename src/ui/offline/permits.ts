/** Reads a content security policy. Pure. */

/** Whether a policy, or each of several with commas between, lets this origin be asked. @param origin a host may be `*.name` */
export function permits(policy: string | null, origin: string): boolean {
  if (policy === null) return true;
  return policy.split(',').every((one) => {
    const directives = one.split(';').map((directive) => directive.trim().split(/\s+/));
    const named = (name: string) => directives.find(([first]) => first?.toLowerCase() === name);
    const limit = named('connect-src') ?? named('default-src');
    if (limit === undefined) return true;
    const scheme = origin.slice(0, origin.indexOf(':') + 1);
    return limit.slice(1).some((source) => [origin, scheme, '*'].includes(source.toLowerCase()));
  });
}
