/**
 * The API behind the development gateway when there is no other: orders in memory, and no idea of tokens.
 * It believes the identity headers, as a legacy API behind a gateway does, and shows them in its answers.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readBody } from './body.ts';
import { closeServer, listenOnLoopback, sendJson } from './loopback-server.ts';

/** The name before the colon of the scopes that the sample's policy asks for. */
export const SAMPLE_API = 'orders';

const MAXIMUM_BODY = 65_536;
/** More orders than this are not kept: whoever plays with it for days must not fill the memory. */
const MAXIMUM_ORDERS = 1000;

/** An order, as the sample keeps it. */
interface Order {
  readonly number: number;
  readonly item: string;
  readonly quantity: number;
  /** Subject of the caller who placed it. */
  readonly placedBy: string;
}

/** A sample API that listens. */
export interface RunningSampleApi {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Starts the sample API on a port that the system chooses. */
export async function startSampleApi(): Promise<RunningSampleApi> {
  const orders = new Map<number, Order>([
    [1001, { number: 1001, item: 'desk lamp', quantity: 2, placedBy: 'bob' }],
    [1002, { number: 1002, item: 'oak chair', quantity: 4, placedBy: 'bob' }],
    [1003, { number: 1003, item: 'bookshelf', quantity: 1, placedBy: 'bob' }],
  ]);
  const server = createServer((request, response) => {
    answer(request, response, orders).catch(() => response.destroy());
  });
  const port = await listenOnLoopback(server, 0);
  return { origin: `http://127.0.0.1:${port}`, close: () => closeServer(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, orders: Map<number, Order>) {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const caller = identityHeaders(request);
  if (path === '/health') return sendJson(response, 200, { status: 'ok' });
  if (path === '/whoami') return sendJson(response, 200, { caller });
  if (path === '/orders') {
    if (request.method !== 'POST') return sendJson(response, 200, { caller, orders: [...orders.values()] });
    return placeOrder(request, response, orders);
  }
  const order = orders.get(Number(/^\/orders\/(\d{1,9})$/.exec(path)?.[1]));
  if (order === undefined) return sendJson(response, 404, { message: 'no such thing' });
  if (request.method !== 'DELETE') return sendJson(response, 200, { caller, order });
  orders.delete(order.number);
  sendJson(response, 200, { caller, deleted: order });
}

async function placeOrder(request: IncomingMessage, response: ServerResponse, orders: Map<number, Order>) {
  const body = await readBody(request, MAXIMUM_BODY);
  if (body === null) return sendJson(response, 413, { message: 'too long' }, { connection: 'close' });
  const fields = new URLSearchParams(body);
  const item = fields.get('item') ?? '';
  const quantity = Number(fields.get('quantity') ?? 1);
  if (item === '' || !Number.isInteger(quantity) || quantity < 1) {
    return sendJson(response, 400, { message: 'an order needs an item, and a quantity of at least 1' });
  }
  if (orders.size >= MAXIMUM_ORDERS) return sendJson(response, 409, { message: 'the order book is full' });
  const caller = identityHeaders(request);
  const number = Math.max(1000, ...orders.keys()) + 1;
  const order = { number, item, quantity, placedBy: String(caller['x-auth-subject'] ?? '') };
  orders.set(number, order);
  sendJson(response, 201, { caller, order }, { location: `/orders/${number}` });
}

/** What the gateway says about the caller, as it came. */
function identityHeaders(request: IncomingMessage): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(request.headers).filter(([name]) => name.startsWith('x-auth-')));
}
