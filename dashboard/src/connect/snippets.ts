export type Connection = { host: string; port: number; deviceId: string; secret: string }

export type Snippet = { label: string; text: string }

const python = (c: Connection) => `# pip install paho-mqtt
import json, paho.mqtt.client as mqtt

c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
c.username_pw_set("${c.deviceId}", "${c.secret}")
c.connect("${c.host}", ${c.port})
c.loop_start()
c.publish("${telemetryTopic(c.deviceId)}",
          json.dumps({"temperature": 21.5, "humidity": 64}), qos=1).wait_for_publish()`

const node = (c: Connection) => `// npm install mqtt
import mqtt from "mqtt"

const c = await mqtt.connectAsync("mqtt://${c.host}:${c.port}", {
  username: "${c.deviceId}", password: "${c.secret}", protocolVersion: 4,
})
await c.publishAsync("${telemetryTopic(c.deviceId)}",
  JSON.stringify({ temperature: 21.5, humidity: 64 }), { qos: 1 })
await c.endAsync()`

const arduino = (c: Connection) => `// library: PubSubClient
#include <WiFi.h>
#include <PubSubClient.h>

WiFiClient net;
PubSubClient mqtt("${c.host}", ${c.port}, net);

void setup() { WiFi.begin("your network", "its password"); }

void loop() {
  if (!mqtt.connected()) mqtt.connect("${c.deviceId}", "${c.deviceId}", "${c.secret}");
  mqtt.publish("${telemetryTopic(c.deviceId)}", "{\\"temperature\\":21.5}");
  mqtt.loop(); delay(1000);
}`

const espIdf = (c: Connection) => `esp_mqtt_client_config_t cfg = {
  .broker.address.uri = "mqtt://${c.host}:${c.port}",
  .credentials.username = "${c.deviceId}",
  .credentials.authentication.password = "${c.secret}",
};
esp_mqtt_client_handle_t c = esp_mqtt_client_init(&cfg);
esp_mqtt_client_start(c);
esp_mqtt_client_enqueue(c, "${telemetryTopic(c.deviceId)}",
  "{\\"temperature\\":21.5}", 0, 1, 0, true);`

const mosquitto = (c: Connection) => `mosquitto_pub -h ${c.host} -p ${c.port} \\
  -u ${c.deviceId} -P '${c.secret}' -q 1 \\
  -t ${telemetryTopic(c.deviceId)} \\
  -m '{"temperature":21.5,"humidity":64}'`

/** Where a device publishes (docs: the topic table); the only topic this dashboard names. */
export function telemetryTopic(deviceId: string): string {
  return `devices/${deviceId}/telemetry`
}

export function snippets(connection: Connection): Snippet[] {
  return [
    { label: 'mosquitto_pub', text: mosquitto(connection) },
    { label: 'Python', text: python(connection) },
    { label: 'Node', text: node(connection) },
    { label: 'Arduino', text: arduino(connection) },
    { label: 'ESP-IDF', text: espIdf(connection) },
  ]
}

export type Piece = { kind: 'plain' | 'key' | 'string' | 'comment'; text: string }

const pattern =
  /(?<comment>^(?:# |\/\/).*$)|(?<string>"(?:\\.|[^"\\])*"|'[^']*')|(?<key>\b(?:import|from|const|await|void|if|as)\b|(?<=\s)-[a-zA-Z](?=\s))/gm

/** Three tones are enough; this is not a parser. */
export function highlight(text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push({ kind: 'plain', text: text.slice(end, match.index) })
    const { comment, string } = match.groups ?? {}
    const kind = comment !== undefined ? 'comment' : string !== undefined ? 'string' : 'key'
    pieces.push({ kind, text: match[0] })
    end = match.index + match[0].length
  }
  if (end < text.length) pieces.push({ kind: 'plain', text: text.slice(end) })
  return pieces
}
