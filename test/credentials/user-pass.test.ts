import t from 'tap';
import { parseUserPass } from '../../src/credentials/user-pass.ts';

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

const TAKEN: readonly (readonly [id: string, value: string, username: string, password: string])[] = [
  ['RFC 7617 section 2', 'QWxhZGRpbjpvcGVuIHNlc2FtZQ==', 'Aladdin', 'open sesame'],
  ['B04 RFC 7617 section 2.1', 'dGVzdDoxMjPCow==', 'test', '123£'],
  ['B03 a colon in the password', base64('u:p:q:'), 'u', 'p:q:'],
  ['K11 no name', base64(':p'), '', 'p'],
  ['K12 no password', base64('u:'), 'u', ''],
  ['K11 UTF-8', base64('tëst:日本'), 'tëst', '日本'],
  ['B04 composed', base64('te\u0308st:a\u030a'), 't\u00ebst', '\u00e5'],
  ['a mark at the start is text', base64('\ufeffu:p'), '\ufeffu', 'p'],
  ['spaces are text', base64(' u : p '), ' u ', ' p '],
];
for (const [id, value, username, password] of TAKEN) {
  t.test(`taken: ${id}`, async (t) => {
    t.strictSame(parseUserPass(value), { username, password });
  });
}

const REFUSED: readonly (readonly [id: string, value: string])[] = [
  ['B02 no colon', base64('user')],
  ['B02 nothing', ''],
  ['B02 not base64', '!!!!'],
  ['K11 padding left out', 'dGVzdDoxMjPCow'],
  ['K11 too much padding', 'dTpw===='],
  ['K11 padding within', 'dT==pw=='],
  ['K11 spare bits that are set', 'dGVzdDoxMjPCox=='],
  ['K11 base64url', base64('u:\u00ff\u00fe\u00ff~~?').replaceAll('/', '_').replaceAll('+', '-')],
  ['K11 the other alphabet of tokens', 'dTpw~'],
  ['K11 Latin-1', base64(Buffer.from('tëst:1', 'latin1'))],
  ['K11 a cut character', base64(Buffer.from([0x75, 0x3a, 0xc3]))],
  ['K11 a surrogate', base64(Buffer.from([0x75, 0x3a, 0xed, 0xa0, 0x80]))],
  ['K11 an overlong colon', base64(Buffer.from([0x75, 0xc0, 0xba, 0x70]))],
  ['B02 NUL in the name', base64('u\0:p')],
  ['B02 NUL in the password', base64('u:p\0')],
  ['B02 a line break', base64('u:p\n')],
  ['B02 DEL', base64('u:p\x7f')],
];
for (const [id, value] of REFUSED) {
  t.test(`refused: ${id}`, async (t) => {
    t.equal(parseUserPass(value), null);
  });
}
