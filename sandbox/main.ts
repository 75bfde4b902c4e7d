// SPDX-License-Identifier: Apache-2.0
//
// Starts the sandbox's page beside a running gateway. From the environment:
//
//     SB_API         the gateway; http://127.0.0.1:8080         SB_KEY         a key of its account
//     SB_PUBLIC_URL  what Twilio was told; default SB_API        TWILIO_TOKEN   the channel's auth token
//     SANDBOX_PORT   0, the default: any free one                SB_HOOK        /hooks/acme/support-sms
//     TWILIO_SID, TWILIO_NUMBER                                  the channel's, as in config/demo.yaml
//     TWILIO_API_URL where Twilio's API shall listen, the channel's api_url; default: any free port
//     WA_TOKEN, WA_SECRET, WA_VERIFY                             the WhatsApp channel's access_token, app_secret, verify_token
//     WA_HOOK        /hooks/acme/support-wa                      WA_API_URL as TWILIO_API_URL
//
// Prints one line, `sandbox http://127.0.0.1:PORT/ twilio http://127.0.0.1:PORT meta http://127.0.0.1:PORT`, when the page can be opened. SIGTERM and SIGINT end it.

import { templates } from "./presets.js";
import { SandboxServer } from "./server.js";

function need(name: string): string {
    const value = process.env[name];
    if (!value) {
        console.error(`sandbox: ${name} is not set`);
        process.exit(2);
    }
    return value;
}

const api = (process.env["SB_API"] || "http://127.0.0.1:8080").replace(/\/$/, "");
const hook = process.env["SB_HOOK"] || "/hooks/acme/support-sms";
const portOf = (name: string) => Number(new URL(process.env[name] || "http://127.0.0.1").port);
const server = new SandboxServer({
    api,
    key: need("SB_KEY"),
    port: Number(process.env["SANDBOX_PORT"] || 0),
    twilio: {
        accountSid: process.env["TWILIO_SID"] || "AC00000000000000000000000000000001",
        authToken: need("TWILIO_TOKEN"),
        number: process.env["TWILIO_NUMBER"] || "+15550001111",
        publicUrl: (process.env["SB_PUBLIC_URL"] || api).replace(/\/$/, ""),
        hook,
        port: portOf("TWILIO_API_URL"),
    },
    graph: {
        accessToken: need("WA_TOKEN"),
        appSecret: need("WA_SECRET"),
        verifyToken: need("WA_VERIFY"),
        number: { id: "106540352242922", display: "15550004444", waba: "102290129340398" },
        hook: process.env["WA_HOOK"] || "/hooks/acme/support-wa",
        port: portOf("WA_API_URL"),
    },
});
for (const template of templates) server.graph.account.addTemplate(template);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void server.stop().then(() => process.exit(0)));
const url = await server.start().catch((error: unknown) => {
    console.error(`sandbox: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
});
console.log(`sandbox ${url} twilio ${server.twilio.url} meta ${server.graph.url}`);
