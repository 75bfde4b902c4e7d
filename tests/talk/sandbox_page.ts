// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's program beside a gateway, as the quickstart starts it.

import { spawn } from "node:child_process";
import * as readline from "node:readline";
import { onExit } from "./cluster.js";
import { accountSid, authToken, publicUrl, type Gateway } from "./harness.js";

export const program = "build/js/sandbox/main.js";

export interface SandboxPage {
    /** Where its page and its Twilio are. */
    url: string;
    twilio: string;
    end: () => Promise<void>;
}

/** twilio: where its Twilio shall listen; any free port where it is not said. */
export async function startSandbox(gateway: Gateway, twilio = ""): Promise<SandboxPage> {
    const child = spawn(process.execPath, [program], {
        env: {
            ...process.env, SB_API: gateway.url, SB_KEY: gateway.key, SB_PUBLIC_URL: publicUrl, TWILIO_TOKEN: authToken, TWILIO_SID: accountSid,
            TWILIO_API_URL: twilio, SANDBOX_PORT: "0",
        },
        stdio: ["ignore", "pipe", "inherit"],
    });
    const forget = onExit(() => child.kill("SIGKILL"));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    for await (const line of readline.createInterface({ input: child.stdout })) {
        const [, url, api] = /^sandbox (http:\/\/127\.0\.0\.1:\d+\/) twilio (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? [];
        if (url === undefined || api === undefined) break;
        return {
            url,
            twilio: api,
            end: async () => {
                child.kill("SIGTERM");
                await ended;
                forget();
            },
        };
    }
    throw new Error("the sandbox does not tell where its page is");
}
