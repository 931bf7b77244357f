/** Measures how long a policy of many routes takes to load: `node bench/load-policy.ts [ROUTES]`; 10,000 within 2 s on one free core. */
import { loadPolicy } from '../src/policy/load-policy.ts';

const count = Number(process.argv[2] ?? 10_000);
const routes = Array.from(
  { length: count },
  (_, i) =>
    `  - path: /service${i % 100}/resource${i}/{id}\n    methods: [GET]\n    require: {scopes: [s${i}:read], when: 'path.id == claims.sub'}`,
);
const text = `upstream: http://127.0.0.1:3000
issuers:
  corp: {issuer: "https://login.example.com", audience: orders-api}
routes:
${routes.join('\n')}
`;
const before = process.cpuUsage();
const start = performance.now();
const loaded = await loadPolicy({
  file: 'sallyport.yaml',
  text,
  environment: {},
  readFile: () => '',
  now: Date.now(),
});
const wall = Math.round(performance.now() - start);
const { user, system } = process.cpuUsage(before);
const cpu = Math.round((user + system) / 1000);
console.log(JSON.stringify({ routes: count, ok: loaded.ok, bytes: text.length, wall_ms: wall, cpu_ms: cpu }));
