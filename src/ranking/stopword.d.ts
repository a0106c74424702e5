/** The package has no types of its own; only these lists are used. */
declare module 'stopword' {
  type List = readonly string[];
  export const eng: List, deu: List, fra: List, spa: List, ita: List, por: List, nld: List, swe: List, dan: List;
  export const nob: List, fin: List, pol: List, ces: List, slk: List, hun: List, ron: List, tur: List, ell: List;
  export const rus: List, ukr: List, bul: List, ara: List, heb: List, fas: List, hin: List, vie: List, ind: List;
  export const tha: List, zho: List, jpn: List, kor: List;
}
