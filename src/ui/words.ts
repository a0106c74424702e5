/** Every word of the interface, in one place; models and working offline have words of their own. */
export { words } from './wording/labels.ts';
export * from './wording/failures.ts';
export * from './wording/names.ts';
export * from './wording/progress.ts';
