// SPDX-License-Identifier: Apache-2.0
//
// multipart/form-data (RFC 7578), whole in memory.

export interface Part {
    name: string;
    filename: string | undefined;
    type: string | undefined;
    bytes: Buffer;
}

const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");

/** undefined: it is none, or is not whole. */
export function parseMultipart(contentType: string, body: Buffer): Part[] | undefined {
    const boundary = /^multipart\/form-data;.*\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
    if (!boundary) return undefined;
    const mark = Buffer.from(`\r\n--${boundary[1] ?? boundary[2]}`);
    const whole = Buffer.concat([lineEnd, body]);
    const parts: Part[] = [];
    let at = whole.indexOf(mark);
    for (;;) {
        if (at < 0) return undefined;
        at += mark.length;
        if (whole.subarray(at, at + 2).toString() === "--") return parts;
        const end = whole.indexOf(mark, at);
        const part = end < 0 ? undefined : parsePart(whole.subarray(at, end));
        if (!part) return undefined;
        parts.push(part);
        at = end;
    }
}

/** From the line end behind the boundary to the one before the next. */
function parsePart(piece: Buffer): Part | undefined {
    const end = piece.indexOf(headEnd);
    if (end < 0) return undefined;
    const head = piece.subarray(0, end).toString();
    const name = /^content-disposition:\s*form-data;.*?\bname="([^"]*)"/im.exec(head)?.[1];
    if (name === undefined) return undefined;
    return { name, filename: /\bfilename="([^"]*)"/i.exec(head)?.[1], type: /^content-type:\s*(\S[^\r\n]*)/im.exec(head)?.[1], bytes: piece.subarray(end + headEnd.length) };
}
