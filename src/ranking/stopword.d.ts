/** The package has no types of its own; only the lists are used. */
declare module 'stopword' {
  export const eng: readonly string[];
}
