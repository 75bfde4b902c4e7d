// SPDX-License-Identifier: Apache-2.0
//
// The commands that do one thing and end: what they print, and what they leave alone.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, test } from "node:test";
import { Gateway } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("commands");
});
after(() => gateway?.stop());

const message = "01900000-0000-7000-8000-0000000000ab";

/** A new, empty database and a configuration that names it. */
async function fresh(name: string): Promise<{ database: string; file: string }> {
    const database = `${name}_${process.pid}`;
    const file = `${gateway.directory}/${name}.yaml`;
    fs.writeFileSync(file, gateway.config().replace(gateway.databaseUrl, await gateway.cluster.database(database)));
    return { database, file };
}

test("a database without this version's schema is told apart, with the way out, and left as it is", async () => {
    const { database, file } = await fresh("empty");
    for (const args of [["trace", message], ["quarantine"], ["channel", "list"], ["channel", "pause", "acme/support-sms"], ["key", "create", "--account", "acme", "--name", "ci"]]) {
        const { code, stdout, stderr } = await gateway.command([...args, "--config", file]);
        assert.deepEqual([code, stdout], [1, ""], args.join(" "));
        assert.match(stderr, /^switchboard: the database has no schema of this version \(run switchboard migrate\)\n$/);
    }
    const schemas = await gateway.cluster.sql(database, "select count(*) from pg_namespace where nspname like 'gateway%'");
    assert.equal(schemas, "0", "nothing was made");
});

test("a database that asks for a newer gateway is not read either", async () => {
    const { database, file } = await fresh("newer");
    await gateway.must(["migrate", "--config", file]);
    await gateway.cluster.sql(database, "update gateway.release set min_binary = 1000");
    const { code, stderr } = await gateway.command(["quarantine", "--config", file]);
    assert.equal(code, 1);
    assert.match(stderr, /install a newer switchboard/);
});

test("migrate, trace, quarantine and channel tell the database nothing of the file", async () => {
    const { database, file } = await fresh("unserved");
    await gateway.must(["migrate", "--config", file]);
    assert.equal(await gateway.must(["quarantine", "--config", file]), "");
    assert.equal(await gateway.must(["channel", "list", "--config", file]), "");
    const pause = await gateway.command(["channel", "pause", "acme/support-sms", "--config", file]);
    assert.deepEqual([pause.code, pause.stderr], [1, "switchboard: channel acme/support-sms has never been served\n"]);
    const { code, stderr } = await gateway.command(["trace", message, "--config", file]);
    assert.deepEqual([code, stderr], [1, `switchboard: no message ${message}\n`]);
    assert.equal(await gateway.cluster.sql(database, "select count(*) from gateway.account"), "0");
});

test("a key can be made before the first serve, for an account of the file and for no other", async () => {
    const { database, file } = await fresh("early");
    await gateway.must(["migrate", "--config", file]);
    const typo = await gateway.command(["key", "create", "--account", "acne", "--name", "ci", "--config", file]);
    assert.deepEqual([typo.code, typo.stdout], [1, ""]);
    assert.match(typo.stderr, /no account "acne" in .*early\.yaml \(did you mean "acme"\?\)/);
    const key = await gateway.must(["key", "create", "--account", "acme", "--name", "ci", "--config", file]);
    const rows = await gateway.cluster.sql(database, "select a.slug, a.name, k.last_four from gateway.account a join gateway.key k using (account_id)");
    assert.equal(rows, `acme|Acme Ltd|${key.trim().slice(-4)}`, "the account of the key, and no other, was made");
    assert.equal(await gateway.cluster.sql(database, "select count(*) from gateway.channel"), "0");
});

test("a key that is made while the file has changed changes nothing that is served", async () => {
    const old = fs.readFileSync(gateway.configFile, "utf8");
    fs.writeFileSync(gateway.configFile, old.replace(/^ +sales-sms: .*\n/m, ""));
    const key = await gateway.makeKey("acme");
    const { data } = await gateway.get("/v1/channels", { key });
    assert.equal(data.find((channel: { slug: string }) => channel.slug === "sales-sms").status, "active");
    fs.writeFileSync(gateway.configFile, old);
});

test("a password that is not percent-encoded is a fault of database.url, and no piece of it is told", async () => {
    const file = `${gateway.directory}/password.yaml`;
    for (const url of ["postgresql://sb:S3cretPw%zz@/x", "postgresql://sb:S3cretPw/q@localhost/x", "postgresql://sb:p@S3cretPw@localhost/x"]) {
        fs.writeFileSync(file, gateway.config().replace(gateway.databaseUrl, url));
        for (const command of ["check", "migrate", "serve"]) {
            const { code, stdout, stderr } = await gateway.command([command, "--config", file]);
            assert.deepEqual([code, stdout], [1, ""], command);
            assert.match(stderr, /password\.yaml:2:17: url (has|is) .*%40/, command);
            assert.doesNotMatch(stderr, /S3cret/, command);
        }
    }
});

test("--help tells what each command wants", async () => {
    const { code, stdout } = await gateway.command(["--help"]);
    assert.equal(code, 0);
    for (const word of ["serve", "check", "migrate", "key create", "trace", "quarantine", "channel list", "channel backfill CHANNEL --since", "migrated database", "only read"]) {
        assert.ok(stdout.includes(word), word);
    }
});

test("a command that lacks something says what, and an account that is not in the file is none", async () => {
    for (const [args, code, told] of [
        [["key", "create", "--account", "acme"], 2, /^switchboard: key create wants --account and --name \(.*\n$/],
        [["channel", "show"], 2, /^switchboard: channel show wants a channel, .*\n$/],
        [["channel", "backfill", "support-sms"], 2, /^switchboard: channel backfill wants --since TIME, .*\n$/],
        [["trace"], 2, /^switchboard: trace wants a message's id .*\n$/],
        [["key", "lisp"], 2, /^switchboard: there is no command "key lisp"\nusage: /],
        [["key", "list", "--account", "acne"], 1, /no account "acne" in .* \(did you mean "acme"\?\)/],
        [["key", "revoke"], 2, /^switchboard: key revoke wants a key's id, .*\n$/],
        [["key", "revoke", "sb_live_secret"], 2, /^switchboard: key revoke wants a key's id, as key list tells it\n$/],
        [["key", "revoke", "01900000-0000-7000-8000-000000000000"], 1, /^switchboard: there is no key 01900000-.*\n$/],
        [["channel", "list", "--account", "acne"], 1, /no account "acne" in .* \(did you mean "acme"\?\)/],
        [["quarantine", "--account", "acne"], 1, /no account "acne" in .* \(did you mean "acme"\?\)/],
    ] as const) {
        const answer = await gateway.command([...args]);
        assert.deepEqual([answer.code, answer.stdout], [code, ""], args.join(" "));
        assert.match(answer.stderr, told, args.join(" "));
    }
});
