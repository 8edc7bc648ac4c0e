// OpenAI's client library, pointed at a gateway: a chat, a stream, a structured answer, an error.
//
//     npm ci && SYMBIONT_URL=http://127.0.0.1:8111 node openai.mjs
//
// The model `symbiont-auto` lets the router choose; a tier's name takes that tier.
import OpenAI from 'openai';

const url = process.env.SYMBIONT_URL ?? 'http://127.0.0.1:8111';
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env.SYMBIONT_KEY ?? 'none' });

const chat = await client.chat.completions.create({
  model: 'symbiont-auto',
  messages: [
    { role: 'system', content: 'Answer in one sentence.' },
    { role: 'user', content: 'Summarize this email: the meeting moved to Friday' },
  ],
  metadata: { team: 'examples' },
});
console.log('chat:', chat.choices[0].message.content);
console.log('tier:', chat.symbiont.tier, 'tokens:', chat.usage.total_tokens, 'cost:', chat.symbiont.total_cost_usd);

let streamed = '';
let pieces = 0;
const stream = await client.chat.completions.create({
  model: 'sonnet',
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: 'user', content: 'Write a haiku about ledgers' }],
});
for await (const chunk of stream) {
  const piece = chunk.choices[0]?.delta?.content ?? '';
  if (piece) pieces++;
  streamed += piece;
  if (chunk.usage) console.log('usage:', chunk.usage.completion_tokens > 0);
}
console.log('stream:', streamed, pieces > 1 ? 'in pieces' : 'at once');

const structured = await client.chat.completions.create({
  model: 'haiku',
  messages: [{ role: 'user', content: 'Extract the day: the meeting moved to Friday' }],
  response_format: {
    type: 'json_schema',
    json_schema: {
      name: 'day',
      strict: true,
      schema: {
        type: 'object',
        properties: { day: { type: 'string' } },
        required: ['day'],
        additionalProperties: false,
      },
    },
  },
});
console.log('structured:', typeof JSON.parse(structured.choices[0].message.content).day);

try {
  await client.chat.completions.create({ model: 'gpt-0', messages: [{ role: 'user', content: 'hello' }] });
} catch (error) {
  console.log('error:', error.constructor.name, error.status, error.code, error.param);
}

const models = [];
for await (const model of client.models.list()) models.push(model.id);
console.log('models:', models.join(' '));
