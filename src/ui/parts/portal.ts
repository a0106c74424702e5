/** Where menus and lists open: inside the main landmark, so that no part of the page stands outside of all landmarks. */
export const inMain = (): HTMLElement | null => document.getElementById('main');
