#!/usr/bin/python3
"""Publishes one task straight to RabbitMQ and prints its result. Needs python3-pika; no gateway has to run.

    SYMBIONT_BROKER=amqp://user:password@host ./produce.py "Summarize this email: the meeting moved to Friday"

Fields of the task: docs/asyncapi.yaml. Only `task` is required. The message_id makes publishing again after a lost
connection safe: the same id is the same task.
"""
import json
import os
import sys
import uuid

import pika

parameters = pika.URLParameters(os.environ["SYMBIONT_BROKER"].rstrip("/") + "/%2F")
with pika.BlockingConnection(parameters) as connection:
    channel = connection.channel()
    channel.confirm_delivery()
    reply_queue = channel.queue_declare("", exclusive=True).method.queue
    correlation_id = str(uuid.uuid4())
    channel.basic_publish(
        exchange="symbiont.tasks",
        routing_key="normal",  # low, normal or high
        body=json.dumps({"task": " ".join(sys.argv[1:]) or "Say hello"}),
        properties=pika.BasicProperties(
            message_id=correlation_id,
            correlation_id=correlation_id,
            reply_to=reply_queue,
            delivery_mode=2,
        ),
        mandatory=True,
    )
    for method, properties, body in channel.consume(reply_queue, auto_ack=True, inactivity_timeout=600):
        if body is None:
            sys.exit("no result within ten minutes")
        if properties.correlation_id == correlation_id:
            result = json.loads(body)
            print(json.dumps(result, indent=2))
            sys.exit(0 if result["status"] == "succeeded" else 1)
