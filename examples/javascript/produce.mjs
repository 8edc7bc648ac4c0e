// Publishes one task straight to RabbitMQ and prints its result. No gateway has to run.
//
//     npm ci && SYMBIONT_BROKER=amqp://user:password@host node produce.mjs "Summarize this email: the meeting moved to Friday"
//
// Fields of the task: docs/asyncapi.yaml. Only `task` is required. The message id makes publishing again after a lost
// connection safe: the same id is the same task.
import amqp from 'amqplib';
import { randomUUID } from 'node:crypto';

const connection = await amqp.connect(process.env.SYMBIONT_BROKER);
const channel = await connection.createConfirmChannel();
const { queue } = await channel.assertQueue('', { exclusive: true });
const id = randomUUID();
const result = new Promise((resolve) => {
  channel.consume(queue, (message) => resolve(JSON.parse(message.content)), { noAck: true });
});
const task = { task: process.argv.slice(2).join(' ') || 'Say hello' };
channel.publish('symbiont.tasks', 'normal', Buffer.from(JSON.stringify(task)), {
  messageId: id,
  correlationId: id,
  replyTo: queue,
  persistent: true,
  mandatory: true,
});
await channel.waitForConfirms();
console.log(JSON.stringify(await result, null, 2));
await connection.close();
