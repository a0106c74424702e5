/** The content security policy that is in force: from this page's own response, or from the page itself. */
import { useEffect, useState } from 'react';

/** undefined until known, null where there is none. */
export function usePolicy(): string | null | undefined {
  const [policy, setPolicy] = useState<string | null>();
  useEffect(() => {
    const controller = new AbortController();
    read(controller.signal).then(setPolicy, () => setPolicy(inPage()));
    return () => controller.abort();
  }, []);
  return policy;
}

async function read(signal: AbortSignal): Promise<string | null> {
  const page = new URL(location.href);
  page.hash = ''; // the question stays here
  const response = await fetch(page, { method: 'HEAD', signal });
  return response.headers.get('Content-Security-Policy') ?? inPage();
}

const inPage = (): string | null =>
  document.querySelector<HTMLMetaElement>('meta[http-equiv="Content-Security-Policy" i]')?.content ?? null;
