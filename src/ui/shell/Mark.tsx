/** Lateral's sign: lines of text, and the one that was found. */
export function Mark() {
  return (
    <svg className="sign" viewBox="0 0 20 20" width="20" height="20" aria-hidden>
      <path className="sign__line" d="M3 4.5h14M3 15.5h8" />
      <rect className="sign__marker" x="2" y="7" width="16" height="6" rx="2" />
      <path className="sign__found" d="M4.5 10h11" />
    </svg>
  );
}
