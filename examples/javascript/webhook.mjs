// A receiver of webhooks: verifies the signature with the specification's own library, and answers at once.
//
//     npm ci && SYMBIONT_WEBHOOK_SECRET=whsec_… node webhook.mjs
//
// Queues a task that calls back here, and ends when it was called. On loopback the gateway needs
// symbiont.gateway.webhooks.allow-private: true.
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const url = process.env.SYMBIONT_URL ?? 'http://127.0.0.1:8111';
const webhooks = new Webhook(process.env.SYMBIONT_WEBHOOK_SECRET);

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => (body += piece));
  request.on('end', () => {
    try {
      const event = webhooks.verify(body, request.headers);
      console.log(`${event.type}: ${event.data.result}`);
      response.writeHead(204).end();
      server.close();
    } catch (error) {
      console.error(`not from Symbiont: ${error.message}`);
      response.writeHead(401).end();
    }
  });
});

server.listen(0, '127.0.0.1', async () => {
  const webhook = `http://127.0.0.1:${server.address().port}/done`;
  const headers = { 'Content-Type': 'application/json' };
  if (process.env.SYMBIONT_KEY) headers.Authorization = `Bearer ${process.env.SYMBIONT_KEY}`;
  const task = { task: 'Say hello', force_tier: 'haiku', webhook };
  const answer = await fetch(`${url}/queue`, { method: 'POST', headers, body: JSON.stringify(task) });
  if (!answer.ok) {
    console.error(await answer.text());
    server.close();
    process.exitCode = 1;
  }
});
