/** mammoth's build for browsers runs in Node as well; its own types describe only the other one. */
declare module 'mammoth/mammoth.browser.min.js' {
  import type mammoth from 'mammoth';
  const browserMammoth: typeof mammoth;
  export default browserMammoth;
}
