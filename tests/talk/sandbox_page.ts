// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's program beside a gateway, as the quickstart starts it.

import { spawn } from "node:child_process";
import * as readline from "node:readline";
import { onExit } from "./cluster.js";
import { accountSid, authToken, meta, publicUrl, type Gateway } from "./harness.js";

export const program = "build/js/sandbox/main.js";

export interface SandboxPage {
    /** Where its page, its Twilio and its Meta are. */
    url: string;
    twilio: string;
    graph: string;
    end: () => Promise<void>;
}

/** Where its Twilio and its Meta, as the channel wa has it, shall listen; any free port where it is not said. */
export async function startSandbox(gateway: Gateway, twilio = "", graph = ""): Promise<SandboxPage> {
    const child = spawn(process.execPath, [program], {
        env: {
            ...process.env, SB_API: gateway.url, SB_KEY: gateway.key, SB_PUBLIC_URL: publicUrl, TWILIO_TOKEN: authToken, TWILIO_SID: accountSid,
            TWILIO_API_URL: twilio, SANDBOX_PORT: "0",
            WA_TOKEN: meta.accessToken, WA_SECRET: meta.appSecret, WA_VERIFY: meta.verifyToken, WA_HOOK: "/hooks/acme/wa", WA_API_URL: graph,
        },
        stdio: ["ignore", "pipe", "inherit"],
    });
    const forget = onExit(() => child.kill("SIGKILL"));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    for await (const line of readline.createInterface({ input: child.stdout })) {
        const [, url, api, metas] = /^sandbox (http:\/\/127\.0\.0\.1:\d+\/) twilio (http:\/\/127\.0\.0\.1:\d+) meta (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? [];
        if (url === undefined || api === undefined || metas === undefined) break;
        return {
            url,
            twilio: api,
            graph: metas,
            end: async () => {
                child.kill("SIGTERM");
                await ended;
                forget();
            },
        };
    }
    throw new Error("the sandbox does not tell where its page is");
}
