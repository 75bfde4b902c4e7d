// SPDX-License-Identifier: Apache-2.0
//
// What waits on a channel that leaves the configuration is not forgotten.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { Gateway, newProvider, until } from "./harness.js";

let gateway: Gateway;
const gone = newProvider("gone-sms", "+15550001112");
before(async () => {
    gateway = await Gateway.start("stranded", { providers: { "gone-sms": gone } });
});
after(() => gateway?.stop());

test("when its time has passed it fails, and the log says how many did", async () => {
    gone.fault({ kind: "limit", retryAfter: "3600" });
    const first = { channel: "gone-sms", to: "tel:+15552220001", text: "Your parcel is here" };
    const { id } = (await gateway.api("/v1/messages", { method: "POST", body: first })).json;
    await until(async () => (await gateway.get(`/v1/messages/${id}`)).attempts?.length > 0, "a first attempt");
    await gateway.down();
    await gateway.sql("update gateway.delivery set give_up_at = now ()");
    fs.writeFileSync(gateway.configFile, gateway.config().replace(/^ +gone-sms: .*\n/m, ""));
    await gateway.up();
    const failed = await until(async () => (await gateway.events()).find(({ type, message_id }) => type === "message.failed" && message_id === id), "its event");
    assert.deepEqual((failed.data.message as any).error.code, "given_up");
    await until(async () => gateway.logText().includes("message.stranded"), "the log's line");
    assert.ok(!gateway.logText().includes("parcel"));
});
