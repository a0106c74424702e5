/** Where measuring on a person's own test set runs today. */
import { CopyButton } from '../parts/CopyButton.tsx';
import { PageTitle } from '../parts/PageTitle.tsx';
import { words } from '../words.ts';
import './evaluate.css';

const command = 'npm run -s evaluate -- <folder> --baseline bm25';

export default function EvaluatePage() {
  return (
    <div className="column">
      <PageTitle title={words.sections.evaluate} lead={words.evaluateLead} />
      <div className="command">
        <code>{command}</code>
        <CopyButton text={command} />
      </div>
    </div>
  );
}
