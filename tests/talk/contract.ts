// SPDX-License-Identifier: Apache-2.0
//
// Holds answers against docs/openapi.json: a status, path, header or body that is not described fails the test that saw it.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Answer } from "../../sandbox/http.js";

interface Described {
    $ref?: string;
    headers?: Record<string, { required?: boolean; schema: object }>;
    content?: Record<string, { schema: object }>;
}
interface Description {
    paths: Record<string, Record<string, { responses: Record<string, Described> }>>;
    components: { responses: Record<string, Described>; schemas: object };
}

export const openapiText = fs.readFileSync("docs/openapi.json", "utf8");
const description = JSON.parse(openapiText.replaceAll('"$ref": "#/components/schemas/', '"$ref": "api#/components/schemas/')) as Description;

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, allowUnionTypes: true });
ajv.addVocabulary(["components"]);
(addFormats as unknown as { default: (to: Ajv2020) => void }).default(ajv);
ajv.addSchema({ $id: "api", components: { schemas: description.components.schemas } });

const compiled = new WeakMap<object, ValidateFunction>();
function check(schema: object, value: unknown, where: string): void {
    let validate = compiled.get(schema);
    if (!validate) compiled.set(schema, (validate = ajv.compile(schema)));
    if (!validate(value)) assert.fail(`${where} is not as docs/openapi.json says: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
}

/** Every description compiles: called by the test that reads the document itself. */
export function compileAll(): number {
    let n = 0;
    const all = [...Object.values(description.paths).flatMap((path) => Object.values(path).flatMap((one) => Object.values(one.responses ?? {})))];
    for (const response of all.map(resolve)) {
        for (const content of Object.values(response.content ?? {})) {
            ajv.compile(content.schema);
            n++;
        }
    }
    return n;
}

function resolve(response: Described): Described {
    const name = response.$ref?.split("/").pop();
    return name ? description.components.responses[name]! : response;
}

function templateOf(path: string): string | undefined {
    return Object.keys(description.paths).find((template) => new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(path));
}

/** Throws an assertion unless answer is one that the description has for this request. */
export function checkAnswer(method: string, path: string, answer: Answer): void {
    const where = `${method} ${path} → ${answer.status}`;
    const template = templateOf(path.replace(/\?.*$/, ""));
    const type = String(answer.headers["content-type"] ?? "").replace(/;.*$/, "");
    const operation = template ? description.paths[template]![method.toLowerCase()] : undefined;
    // What is not described, a path or a method, is refused as a problem.
    const allowed = operation ? operation.responses[String(answer.status)] : { $ref: `#/components/responses/${answer.status}` };
    const refusal = operation ? true : template ? [401, 405, 503].includes(answer.status) : [400, 401, 404, 405, 503].includes(answer.status);
    assert.ok(allowed && refusal, `${where}: docs/openapi.json does not know this answer\n${answer.body.toString().slice(0, 500)}`);
    const response = resolve(allowed);
    for (const [name, header] of Object.entries(response.headers ?? {})) {
        const value = answer.headers[name.toLowerCase()];
        assert.ok(value !== undefined || !header.required, `${where} has no ${name}`);
        if (value !== undefined) check(header.schema, value, `${name} of ${where}`);
    }
    if (!response.content) {
        assert.equal(answer.body.length, 0, `${where} has a body`);
        return;
    }
    const content = response.content[type] ?? response.content["*/*"];
    assert.ok(content, `${where}: content type ${type || "none"} is not described`);
    if (/json$/.test(type)) check(content.schema, JSON.parse(answer.body.toString()), where);
}
