"""A guest by another library: orders at a table and prints what the kitchen answers. guest.py PORT TABLE ORDER"""
import json
import sys

import paho.mqtt.client as mqtt

port, table, order = int(sys.argv[1]), sys.argv[2], sys.argv[3]
# Before 2.0 there is one API for callbacks and it is not named.
api = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
client = mqtt.Client(*api)


def on_message(client, _data, message):
    if json.loads(message.payload)["orderId"] == json.loads(order)["orderId"]:
        print(message.payload.decode(), flush=True)
        client.disconnect()


client.on_connect = lambda client, *_: client.subscribe(f"restaurant/foods/{table}", qos=1)
client.on_subscribe = lambda client, *_: client.publish(f"restaurant/orders/{table}", order, qos=1)
client.on_message = on_message
client.connect("127.0.0.1", port)
client.loop_forever()
