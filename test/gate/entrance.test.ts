import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { createEntrance } from '../../src/gate/entrance.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import { createListener } from '../../src/listener.ts';
import { createStanding } from '../../src/standing.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { openConnection } from '../fixtures/raw-client.ts';
import { policyOf } from '../fixtures/server.ts';

t.test(
  'a defect of ours costs the connection it came by, not the process, and its message is not logged',
  async (t) => {
    const log = recordLog();
    const dependencies = { now: Date.now, log };
    const policy = await policyOf('upstream: http://127.0.0.1:9\nroutes: [{ path: /**, auth: none }]\n');
    const standing = createStanding(policy, { dependencies, keySets: createKeySetPool(dependencies) }, null);
    const entrance = createEntrance(
      () => standing,
      () => {
        throw new TypeError('CANARY');
      },
    );
    const { server } = createListener(entrance, policy);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => {
      server.close();
      server.closeAllConnections();
      return standing.upstreams.destroy();
    });
    const { port } = server.address() as AddressInfo;
    for (let i = 0; i < 2; i += 1) {
      const connection = await openConnection(port);
      connection.write('GET / HTTP/1.1\r\nHost: api\r\n\r\n');
      await connection.closed();
      t.equal(connection.rest().length, 0);
      connection.destroy();
    }
    t.equal(log.lines.filter(({ message }) => message === 'internal failure').length, 2);
    t.match(log.lines[0]?.fields, { failure: 'TypeError' });
    t.notMatch(JSON.stringify(log.lines), /CANARY/);
  },
);
