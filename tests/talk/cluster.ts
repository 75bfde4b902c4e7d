// SPDX-License-Identifier: Apache-2.0
//
// A private PostgreSQL for a test run: its data in a new folder, a Unix socket and no port, fsync on. PostgreSQL refuses root, so as root
// it runs as the user postgres.

import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const programs = process.env["SB_PG_BIN"] ?? "/usr/lib/postgresql/15/bin";
const isRoot = process.getuid?.() === 0;

/** The command line of a program of PostgreSQL's, as the user that may run it. */
function asPostgres(program: string, args: string[]): [string, string[]] {
    const command = path.join(programs, program);
    return isRoot ? ["runuser", ["-u", "postgres", "--", command, ...args]] : [command, args];
}

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
    #owned = true;

    private constructor(readonly directory: string) {}

    get socket(): string {
        return path.join(this.directory, "socket");
    }

    /** The run's own cluster where the runner made one, else one for this process. */
    static async shared(): Promise<Cluster> {
        const directory = process.env["SB_TALK_CLUSTER"];
        if (!directory) return Cluster.start();
        const cluster = new Cluster(directory);
        cluster.#owned = false;
        return cluster;
    }

    static async start(): Promise<Cluster> {
        // A socket's path may have 107 bytes: a deep checkout keeps its clusters elsewhere.
        const wished = path.resolve("build", "talk");
        const parent = wished.length < 60 ? wished : os.tmpdir();
        fs.mkdirSync(parent, { recursive: true });
        const directory = fs.mkdtempSync(path.join(parent, "pg-"));
        const cluster = new Cluster(directory);
        fs.mkdirSync(cluster.socket);
        if (isRoot) execFileSync("chown", ["-R", "postgres:", directory]);
        fs.chmodSync(directory, 0o755);
        const [command, args] = asPostgres("initdb", [
            "-D", path.join(directory, "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
        ]);
        await run(command, args, { cwd: "/" });
        await cluster.up();
        cluster.#forget = onExit(() => cluster.#remove());
        return cluster;
    }

    /** Starts the server and waits until it answers. */
    async up(): Promise<void> {
        const [command, args] = asPostgres("postgres", [
            "-D", path.join(this.directory, "data"), "-k", this.socket, "-c", "listen_addresses=", "-c", "fsync=on",
            "-c", "synchronous_commit=on", "-c", "max_connections=200", "-c", "logging_collector=off",
        ]);
        const log = fs.openSync(path.join(this.directory, "log"), "a");
        const server = spawn(command, args, { cwd: "/", stdio: ["ignore", log, log] });
        fs.closeSync(log);
        let ended = false;
        this.#server = server;
        this.#ended = new Promise((resolve) =>
            server.once("exit", () => {
                ended = true;
                resolve();
            }),
        );
        const [isReady, isReadyArgs] = asPostgres("pg_isready", ["-q", "-h", this.socket]);
        for (let i = 0; i < 600; i++) {
            if (await run(isReady, isReadyArgs, { cwd: "/" }).then(() => true, () => false)) return;
            if (ended) {
                // After a kill the last children of the old server may still hold its shared memory.
                await new Promise((resolve) => setTimeout(resolve, 100));
                return this.up();
            }
        }
        throw new Error(`PostgreSQL does not answer: see ${this.directory}/log`);
    }

    get running(): boolean {
        return this.#server !== undefined && this.#server.exitCode === null && this.#server.signalCode === null;
    }

    /** The server process itself; runuser stands between it and us. */
    pid(): number {
        return Number(fs.readFileSync(path.join(this.directory, "data", "postmaster.pid"), "utf8").split("\n")[0]);
    }

    /** "immediate": as after a power cut. "kill": SIGKILL, nothing is told to anybody. "fast": clients are cut off, data is written. */
    async down(how: "fast" | "immediate" | "kill"): Promise<void> {
        process.kill(this.pid(), how === "kill" ? "SIGKILL" : how === "immediate" ? "SIGQUIT" : "SIGINT");
        this.#goOn();
        await this.#ended;
    }

    /** While during runs, the server stands still: connections are accepted by the kernel and stay open, nothing is answered. */
    async frozen(during: () => Promise<void>): Promise<void> {
        const main = this.pid();
        const children = fs.readFileSync(`/proc/${main}/task/${main}/children`, "utf8").trim().split(" ").map(Number);
        for (const pid of [main, ...children]) process.kill(pid, "SIGSTOP");
        try {
            await during();
        } finally {
            for (const pid of [main, ...children]) process.kill(pid, "SIGCONT");
            this.#goOn();
        }
    }

    /** runuser stops itself where the server was stopped, and would not notice its end. */
    #goOn(): void {
        this.#server?.kill("SIGCONT");
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
        if (!this.#owned) return;
        if (this.running) await this.down("immediate");
        this.#forget();
        fs.rmSync(this.directory, { recursive: true, force: true });
    }

    /** The process is ending: nothing can be awaited any more. */
    #remove(): void {
        const [command, args] = asPostgres("pg_ctl", ["-D", path.join(this.directory, "data"), "-m", "immediate", "-w", "stop"]);
        try {
            execFileSync(command, args, { cwd: "/", stdio: "ignore" });
        } catch {
            // It has ended already.
        }
        fs.rmSync(this.directory, { recursive: true, force: true });
    }
}
