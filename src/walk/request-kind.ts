/** What a request is about: the values of AT (§4.1), and page requests, which are messages. */
export const REQUEST = { untranslated: 0, translation: 1, translated: 2, page: 3 } as const;

/** The same as a word: `translation` asks for one, `translated` carries an address from a device-TLB. */
export type RequestKind = keyof typeof REQUEST;

/** The word of a kind. */
export function requestKind(kind: number): RequestKind {
  return (['untranslated', 'translation', 'translated', 'page'] as const)[kind] as RequestKind;
}
