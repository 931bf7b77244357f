/** Who may make a browser use a credential that it sends by itself. */
import { key, listOf, object, text } from './builder.ts';

const csrf = object({
  origins: key(listOf(text()), {
    doc: 'Origins, besides that of `public_url`, whose pages may: `scheme://host` or `scheme://host:port`, as browsers write them.',
    default: [],
    example: ['https://app.example.com'],
  }),
});

/** Keys of the top level. */
export const csrfKeys = {
  csrf: key(csrf, {
    doc: 'Whose pages may use a credential that browsers send by themselves (cookie, Basic) for a method other than GET, HEAD and OPTIONS, or for a WebSocket. Such a request needs `Sec-Fetch-Site: same-origin` or `none`, or an `Origin` of the list, or, without `Sec-Fetch-Site`, the one of `public_url`; else it is 403. Programs send `Sec-Fetch-Site: none` (`curl -H`).',
    default: {},
  }),
};
