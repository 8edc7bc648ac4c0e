// Anthropic's client library, pointed at a gateway: a chat, a stream, a structured answer, an error.
//
//     npm ci && SYMBIONT_URL=http://127.0.0.1:8111 node anthropic.mjs
//
// The model `symbiont-auto` lets the router choose; a tier's name takes that tier.
import Anthropic from '@anthropic-ai/sdk';

const url = process.env.SYMBIONT_URL ?? 'http://127.0.0.1:8111';
const client = new Anthropic({ baseURL: url, apiKey: process.env.SYMBIONT_KEY ?? 'none' });

const chat = await client.messages.create({
  model: 'symbiont-auto',
  max_tokens: 1000,
  system: 'Answer in one sentence.',
  messages: [
    { role: 'user', content: 'Summarize this email: the meeting moved to Friday' },
    { role: 'assistant', content: 'The meeting is on Friday now.' },
    { role: 'user', content: 'Shorter, please' },
  ],
});
console.log('chat:', chat.content[0].text);
console.log('stop:', chat.stop_reason, 'tier:', chat.symbiont.tier, 'tokens:', chat.usage.output_tokens > 0);

const stream = client.messages.stream({
  model: 'sonnet',
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'Write a haiku about ledgers' }],
});
let streamed = '';
stream.on('text', (text) => (streamed += text));
const last = await stream.finalMessage();
console.log('stream:', streamed, '/', last.stop_reason);

const structured = await client.messages.create({
  model: 'haiku',
  max_tokens: 1000,
  messages: [{ role: 'user', content: 'Extract the day: the meeting moved to Friday' }],
  output_config: {
    format: {
      type: 'json_schema',
      schema: {
        type: 'object',
        properties: { day: { type: 'string' } },
        required: ['day'],
        additionalProperties: false,
      },
    },
  },
});
console.log('structured:', typeof JSON.parse(structured.content[0].text).day);

try {
  await client.messages.create({ model: 'opus-0', max_tokens: 1, messages: [{ role: 'user', content: 'hello' }] });
} catch (error) {
  console.log('error:', error.constructor.name, error.status, error.error.error.type);
}
