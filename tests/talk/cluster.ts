// SPDX-License-Identifier: Apache-2.0
//
// A private PostgreSQL for a test run: tools/postgres in a new folder.

import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const programs = process.env["SB_PG_BIN"] ?? "/usr/lib/postgresql/15/bin";
const tool = path.resolve("tools", "postgres");

const atExit = new Set<() => void>();
let watching = false;

/** Calls last when this process ends in any way that can be noticed. */
export function onExit(last: () => void): () => void {
    if (!watching) {
        watching = true;
        process.on("exit", () => {
            for (const one of atExit) one();
        });
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
    }
    atExit.add(last);
    return () => atExit.delete(last);
}

export class Cluster {
    #server: ChildProcess | undefined;
    #ended: Promise<void> = Promise.resolve();
    #forget: () => void = () => undefined;
    #socket = "";

    /** directory: empty where it is somebody else's. */
    private constructor(readonly directory: string) {}

    get socket(): string {
        return this.#socket;
    }

    /** The run's own cluster where the runner made one, else one for this process. */
    static async shared(): Promise<Cluster> {
        const socket = process.env["SB_TALK_SOCKET"];
        if (!socket) return Cluster.start();
        const cluster = new Cluster("");
        cluster.#socket = socket;
        return cluster;
    }

    static async start(): Promise<Cluster> {
        const parent = path.resolve("build", "talk");
        fs.mkdirSync(parent, { recursive: true });
        const cluster = new Cluster(fs.mkdtempSync(path.join(parent, "pg-")));
        fs.chmodSync(cluster.directory, 0o755);
        cluster.#forget = onExit(() => cluster.#remove());
        await cluster.up();
        return cluster;
    }

    /** Starts the server and waits until it answers. */
    async up(tries = 100): Promise<void> {
        const log = fs.openSync(this.#log, "a");
        const server = spawn(tool, ["run", this.directory], { stdio: ["ignore", "pipe", log] });
        fs.closeSync(log);
        let ended = false;
        this.#server = server;
        this.#ended = new Promise((resolve) =>
            server.once("exit", () => {
                ended = true;
                resolve();
            }),
        );
        server.stdout!.on("data", (line: Buffer) => (this.#socket = line.toString().trim()));
        await new Promise((resolve) => server.stdout!.once("close", resolve));
        for (let i = 0; i < 600; i++) {
            const ready = await run(path.join(programs, "pg_isready"), ["-q", "-h", this.socket]).then(() => true, () => false);
            if (ready) return;
            await new Promise((resolve) => setTimeout(resolve, 50));
            // After a kill the last children of the old server may still hold its shared memory.
            if (ended && this.socket && tries > 1) return this.up(tries - 1);
            if (ended) break;
        }
        throw new Error(`PostgreSQL does not answer: see ${this.#log}`);
    }

    get #log(): string {
        return `${this.directory}.log`;
    }

    get running(): boolean {
        return this.#server !== undefined && this.#server.exitCode === null && this.#server.signalCode === null;
    }

    /** The server process itself. */
    pid(): number {
        return this.#server!.pid!;
    }

    /** "immediate": as after a power cut. "kill": SIGKILL, nothing is told to anybody. "fast": clients are cut off, data is written. */
    async down(how: "fast" | "immediate" | "kill"): Promise<void> {
        process.kill(this.pid(), how === "kill" ? "SIGKILL" : how === "immediate" ? "SIGQUIT" : "SIGINT");
        await this.#ended;
    }

    /** While during runs, the server stands still: connections are accepted by the kernel and stay open, nothing is answered. */
    async frozen(during: () => Promise<void>): Promise<void> {
        const main = this.pid();
        process.kill(main, "SIGSTOP"); // first, and last to go on: while it stands, no child of its begins, and none that has ended is gone
        const children = fs.readFileSync(`/proc/${main}/task/${main}/children`, "utf8").trim().split(" ").map(Number);
        for (const pid of children) process.kill(pid, "SIGSTOP");
        try {
            await during();
        } finally {
            for (const pid of [...children, main]) process.kill(pid, "SIGCONT");
        }
    }

    async sql(database: string, text: string): Promise<string> {
        const child = run(
            path.join(programs, "psql"),
            ["-h", this.socket, "-U", "postgres", "-d", database, "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", text],
            { maxBuffer: 256 << 20 },
        );
        return (await child).stdout.replace(/\n$/, "");
    }

    /** A new, empty database; its connection string. */
    async database(name: string): Promise<string> {
        await this.sql("postgres", `create database "${name}"`);
        return `host=${this.socket} user=postgres dbname=${name}`;
    }

    async stop(): Promise<void> {
        if (!this.directory) return;
        if (this.running) await this.down("immediate");
        this.#forget();
        this.#remove();
    }

    /** Nothing is awaited here: the process may be ending. */
    #remove(): void {
        execFileSync(tool, ["remove", this.directory], { stdio: "ignore" });
        fs.rmSync(this.#log, { force: true });
    }
}
