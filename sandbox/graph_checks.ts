// SPDX-License-Identifier: Apache-2.0
//
// What Meta takes as a message: the members that it must have, and their limits (developers.facebook.com/docs/whatsapp/cloud-api/messages,
// …/reference/media). Pure. A fault is a code of Meta's, and words that name the member.

import type { GraphAccount, GraphMedia, GraphTemplate } from "./graph_account.js";
import type { Json } from "./graph.js";

export class GraphFault extends Error {
    constructor(
        readonly code: number,
        details: string,
    ) {
        super(details);
    }
}

const MB = 1 << 20;
const KB = 1 << 10;
const kinds: Record<string, { mimes: RegExp; most: number }> = {
    image: { mimes: /^image\/(jpeg|png)$/, most: 5 * MB },
    audio: { mimes: /^audio\/(aac|amr|mpeg|mp4|ogg)/, most: 16 * MB },
    video: { mimes: /^video\/(mp4|3gpp)$/, most: 16 * MB },
    sticker: { mimes: /^image\/webp$/, most: 500 * KB },
    document: { mimes: /./, most: 100 * MB },
};

/** What a file is, by its type; a picture that is neither JPEG nor PNG goes as a document. */
export const kindOf = (mime: string): string => Object.keys(kinds).find((kind) => kind !== "document" && kinds[kind]!.mimes.test(mime)) ?? "document";

/** Why a file cannot be uploaded; undefined: it can. */
export function checkFile(mime: string, size: number): string | undefined {
    const kind = kindOf(mime);
    const most = kinds[kind]!.most;
    if (size === 0) return "the file is empty";
    return size > most ? `the file is larger than ${most} bytes, the most of ${kind}` : undefined;
}

function fail(code: number, details: string): never {
    throw new GraphFault(code, details);
}

function object(value: unknown, name: string): Json {
    if (value === undefined || value === null) fail(131008, `${name} is missing`);
    if (typeof value !== "object" || Array.isArray(value)) fail(100, `${name} must be an object`);
    return value as Json;
}

function list(value: unknown, name: string, least: number, most: number): Json[] {
    if (value === undefined) fail(131008, `${name} is missing`);
    if (!Array.isArray(value) || value.length < least || value.length > most) fail(131009, `${name} must have ${least} to ${most} elements`);
    return value.map((one, i) => object(one, `${name}[${i}]`));
}

function text(value: unknown, name: string, most: number): string {
    if (value === undefined) fail(131008, `${name} is missing`);
    if (typeof value !== "string" || value === "") fail(131009, `${name} must be a text`);
    if ([...value].length > most) fail(131009, `${name} is longer than ${most} characters`);
    return value;
}

const maybe = (value: unknown, name: string, most: number) => (value === undefined ? undefined : text(value, name, most));

function unique(values: string[], name: string): void {
    if (new Set(values).size < values.length) fail(131009, `${name} must differ from each other`);
}

/** {"id"} of a file that is known, or {"link"}. */
function file(account: GraphAccount, kind: string, given: unknown, name: string): void {
    const { id, link } = object(given, name);
    if (id === undefined && link === undefined) fail(131008, `${name} has neither id nor link`);
    if (link !== undefined && !/^https?:\/\//.test(String(link))) fail(131009, `${name}.link is no URL`);
    if (id === undefined) return;
    const media: GraphMedia | undefined = account.mediaOf(id);
    if (!media) fail(131009, `${name}.id: there is no such media`);
    if (!kinds[kind]!.mimes.test(media.mime)) fail(131053, `${name}: ${media.mime} is no ${kind}`);
    if (media.bytes.length > kinds[kind]!.most) fail(131053, `${name} is too large for ${kind}`);
}

function media(account: GraphAccount, kind: string, given: Json): void {
    file(account, kind, given, kind);
    if (given["caption"] !== undefined && (kind === "audio" || kind === "sticker")) fail(100, `${kind}.caption: there is none`);
    maybe(given["caption"], `${kind}.caption`, 1024);
}

function header(account: GraphAccount, given: unknown, name: string, types: readonly string[]): void {
    if (given === undefined) return;
    const one = object(given, name);
    const type = String(one["type"]);
    if (!types.includes(type)) fail(131009, `${name}.type is none of ${types.join(", ")}`);
    if (type === "text") text(one["text"], `${name}.text`, 60);
    else file(account, type, one[type], `${name}.${type}`);
}

const headers = ["text", "image", "video", "document"] as const;

function buttons(account: GraphAccount, given: Json): void {
    header(account, given["header"], "interactive.header", headers);
    text(object(given["body"], "interactive.body")["text"], "interactive.body.text", 1024);
    const all = list(object(given["action"], "interactive.action")["buttons"], "interactive.action.buttons", 1, 3);
    const replies = all.map((one) => object(one["reply"], "interactive.action.buttons[].reply"));
    if (all.some(({ type }) => type !== "reply")) fail(131009, "interactive.action.buttons[].type is not reply");
    unique(replies.map(({ id }) => text(id, "reply.id", 256)), "ids of buttons");
    unique(replies.map(({ title }) => text(title, "reply.title", 20)), "titles of buttons");
}

function rows(account: GraphAccount, given: Json): void {
    header(account, given["header"], "interactive.header", ["text"]);
    text(object(given["body"], "interactive.body")["text"], "interactive.body.text", 4096);
    const action = object(given["action"], "interactive.action");
    text(action["button"], "interactive.action.button", 20);
    const sections = list(action["sections"], "interactive.action.sections", 1, 10);
    if (sections.length > 1) for (const { title } of sections) text(title, "section.title", 24);
    const all = sections.flatMap((one) => list(one["rows"], "section.rows", 1, 10));
    if (all.length > 10) fail(131009, "there are more than 10 rows");
    unique(all.map(({ id }) => text(id, "row.id", 200)), "ids of rows");
    for (const row of all) {
        text(row["title"], "row.title", 24);
        maybe(row["description"], "row.description", 72);
    }
}

function parameters(given: Json, name: string): Json {
    const action = object(given["action"], "interactive.action");
    if (action["name"] !== name) fail(131009, `interactive.action.name is not ${name}`);
    return action["parameters"] === undefined ? {} : object(action["parameters"], "interactive.action.parameters");
}

function link(given: Json): void {
    const { display_text, url } = parameters(given, "cta_url");
    text(display_text, "display_text", 20);
    if (!/^https?:\/\//.test(text(url, "url", 2000))) fail(131009, "url is no URL");
}

function carousel(account: GraphAccount, given: Json): void {
    const cards = list(object(given["action"], "interactive.action")["cards"], "interactive.action.cards", 2, 10);
    const types = cards.map((card, i) => {
        if (card["card_index"] !== i) fail(131009, `interactive.action.cards[${i}].card_index is not ${i}`);
        const head = object(card["header"], "card.header");
        header(account, head, "card.header", ["image", "video"]);
        if (card["body"] !== undefined) text(object(card["body"], "card.body")["text"], "card.body.text", 160);
        if (card["type"] === "cta_url") link(card);
        return head["type"];
    });
    if (new Set(types).size > 1) fail(131009, "cards must be all image or all video");
}

const interactives: Record<string, (account: GraphAccount, given: Json) => void> = {
    button: buttons,
    list: rows,
    carousel,
    cta_url: (account, given) => {
        header(account, given["header"], "interactive.header", headers);
        link(given);
    },
    flow: (_, given) => {
        const { flow_message_version, flow_cta, flow_id, flow_name } = parameters(given, "flow");
        text(flow_message_version, "flow_message_version", 10);
        text(flow_cta, "flow_cta", 30);
        if (flow_id === undefined && flow_name === undefined) fail(131008, "flow_id is missing");
    },
    location_request_message: (_, given) => void parameters(given, "send_location"),
    request_contact_info: (_, given) => void parameters(given, "request_contact_info"),
    product: (_, given) => void object(given["action"], "interactive.action"),
    product_list: (_, given) => void object(given["action"], "interactive.action"),
};

function interactive(account: GraphAccount, given: Json): void {
    const check = interactives[String(given["type"])];
    if (!check) fail(131009, "interactive.type is not known");
    const body = given["body"];
    if (given["type"] !== "product" || body !== undefined) text(object(body, "interactive.body")["text"], "interactive.body.text", 4096);
    if (given["footer"] !== undefined) text(object(given["footer"], "interactive.footer")["text"], "interactive.footer.text", 60);
    check(account, given);
}

// Templates.

/** {{1}}, {{first_name}}, each once. */
const placeholders = (words: unknown): string[] => [...new Set([...String(words ?? "").matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, name]) => name!))];

const componentOf = (all: Json[], type: string, index?: number): Json | undefined =>
    all.find((one) => String(one["type"]).toLowerCase() === type && (index === undefined || Number(one["index"]) === index));

function counted(template: GraphTemplate, wanted: string[], given: Json[], where: string): void {
    if (given.length !== wanted.length) fail(132000, `${where}: number of localizable_params (${given.length}) does not match the expected number of params (${wanted.length})`);
    for (const [i, one] of given.entries()) if (one["type"] === "text") text(one["text"], `${where} parameter ${i + 1}`, 1024);
    if (template.parameter_format !== "NAMED") return;
    for (const name of wanted) if (!given.some((one) => one["parameter_name"] === name)) fail(132000, `${where}: parameter ${name} is missing`);
}

const parametersOf = (component: Json | undefined, where: string): Json[] => (component === undefined ? [] : list(component["parameters"] ?? [], `${where}.parameters`, 0, 100));

function templateHeader(account: GraphAccount, template: GraphTemplate, head: Json, given: Json | undefined): void {
    const parameters = parametersOf(given, "header");
    const format = String(head["format"]).toLowerCase();
    if (format === "text") return counted(template, placeholders(head["text"]), parameters, "header");
    if (parameters[0]?.["type"] !== format) fail(132012, `header: expected ${format.toUpperCase()}, received ${String(parameters[0]?.["type"] ?? "nothing").toUpperCase()}`);
    if (format !== "location") file(account, format, parameters[0]![format], `header.${format}`);
}

function template(account: GraphAccount, given: Json): void {
    const name = text(given["name"], "template.name", 512);
    const language = text(object(given["language"], "template.language")["code"], "template.language.code", 20);
    const found = account.templates.find((one) => one.name === name && one.language === language);
    if (!found || found.status === "PENDING" || found.status === "REJECTED") fail(132001, `template name (${name}) does not exist in ${language}`);
    if (found.status === "PAUSED") fail(132015, `template ${name} is paused`);
    if (found.status === "DISABLED") fail(132016, `template ${name} is disabled`);
    const components = given["components"] === undefined ? [] : list(given["components"], "template.components", 0, 20);
    const head = componentOf(found.components, "header");
    if (head) templateHeader(account, found, head, componentOf(components, "header"));
    counted(found, placeholders(componentOf(found.components, "body")?.["text"]), parametersOf(componentOf(components, "body"), "body"), "body");
    const buttons = (componentOf(found.components, "buttons")?.["buttons"] ?? []) as Json[];
    for (const [i, button] of buttons.entries()) {
        const wanted = placeholders(button["url"]);
        if (wanted.length) counted({ ...found, parameter_format: "POSITIONAL" }, wanted, parametersOf(componentOf(components, "button", i), `button ${i}`), `button ${i}`);
    }
    for (const { type, index } of components) if (type === "button" && !buttons[Number(index)]) fail(132012, `there is no button ${String(index)}`);
}

// Whole messages.

const others: Record<string, (account: GraphAccount, given: Json) => void> = {
    text: (_, given) => void text(given["body"], "text.body", 4096),
    location: (_, given) => {
        for (const name of ["latitude", "longitude"]) if (!Number.isFinite(Number(given[name] ?? NaN))) fail(131008, `location.${name} is missing`);
    },
    reaction: (account, given) => {
        if (!account.find(text(given["message_id"], "reaction.message_id", 500))) fail(131009, "reaction.message_id: there is no such message");
        if (typeof given["emoji"] !== "string") fail(131008, "reaction.emoji is missing");
    },
    interactive,
    template,
};

/** What a request to send says: to whom, of which type. Throws a GraphFault where it is not one that Meta takes. */
export function checkMessage(account: GraphAccount, number: string, body: Json): { customer: string; type: string } {
    if (body["messaging_product"] !== "whatsapp") fail(100, "messaging_product is not whatsapp");
    const customer = customerOf(account, body);
    if (account.numbers.get(number)?.display === customer) fail(131021, "recipient cannot be sender");
    maybe(body["biz_opaque_callback_data"], "biz_opaque_callback_data", 512);
    const type = String(body["type"] ?? "text");
    const context = body["context"] === undefined ? undefined : object(body["context"], "context");
    if (context) text(context["message_id"], "context.message_id", 500);
    if (context && type === "reaction") fail(131009, "a reaction has no context");
    if (type === "contacts") {
        for (const card of list(body["contacts"], "contacts", 1, 257)) text(object(card["name"], "contacts[].name")["formatted_name"], "formatted_name", 512);
    } else if (type in kinds) {
        media(account, type, object(body[type], type));
    } else {
        const check = others[type];
        if (!check) fail(131051, `type ${type} is not known`);
        check(account, object(body[type], type));
    }
    return { customer, type };
}

function customerOf(account: GraphAccount, body: Json): string {
    const { to, recipient, recipient_type } = body;
    if (recipient_type !== undefined && recipient_type !== "individual" && recipient_type !== "group") fail(100, "recipient_type is neither individual nor group");
    if (recipient_type === "group") return text(to, "to", 200);
    if (to === undefined && recipient === undefined) fail(131008, "to is missing");
    if (to === undefined) {
        if (!/^[A-Z]{2}\.[A-Za-z0-9.]{1,128}$/.test(String(recipient))) fail(131009, "recipient is no business-scoped user id");
        return account.nameOf({ user_id: String(recipient) });
    }
    // Without the plus Meta may put the business's own country code in front, so that another person gets the message.
    if (!/^\+[1-9]\d{6,14}$/.test(String(to))) fail(131009, "to is no number with a plus");
    return String(to).slice(1);
}
