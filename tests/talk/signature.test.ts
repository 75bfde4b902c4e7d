// SPDX-License-Identifier: Apache-2.0
//
// The sandbox signs as Twilio does: the vectors of Twilio's own library.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SseParser, type SseEvent } from "../../sandbox/sse.js";
import { bodySha256, formEncode, twilioSignature, TwilioSandbox } from "../../sandbox/twilio.js";

const token = "12345";
const params: [string, string][] = [
    ["To", "+18005551212"],
    ["CallSid", "CA1234567890ABCDE"],
    ["Caller", "+14158675309"],
    ["Digits", "1234"],
    ["From", "+14158675309"],
];

test("a form is signed over the URL and its sorted parameters", () => {
    assert.equal(twilioSignature(token, "https://mycompany.com/myapp.php?foo=1&bar=2", params), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
});

test("an explicit port is part of what is signed", () => {
    assert.equal(twilioSignature(token, "https://mycompany.com:443/myapp.php?foo=1&bar=2", params), "kvajT1Ptam85bY51eRf/AJRuM3w=");
    assert.equal(twilioSignature(token, "http://mycompany.com:80/myapp.php?foo=1&bar=2", params), "0ZXoZLH/DfblKGATFgpif+LLRf4=");
});

test("a JSON body is signed through its hash in the URL", () => {
    const hash = bodySha256('{"property": "value", "boolean": true}');
    assert.equal(hash, "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620");
    const url = `https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=${hash}`;
    assert.equal(twilioSignature(token, url), "a9nBmqA0ju/hNViExpshrM61xv4=");
});

test("a repeated parameter counts once for each value, in the order of the values", () => {
    const url = "https://x.example/";
    const once = twilioSignature(token, url, [["a", "1"], ["a", "2"], ["b", "3"]]);
    assert.equal(twilioSignature(token, url, [["b", "3"], ["a", "2"], ["a", "1"], ["a", "2"]]), once);
    assert.notEqual(twilioSignature(token, url, [["a", "2"], ["b", "3"]]), once);
});

test("the order in which parameters are sent does not matter, and values are not trimmed", () => {
    const url = "https://x.example/";
    assert.equal(twilioSignature(token, url, [...params].reverse()), twilioSignature(token, url, params));
    assert.notEqual(twilioSignature(token, url, [["Body", "hi "]]), twilioSignature(token, url, [["Body", "hi"]]));
});

test("a form may carry any byte", () => {
    assert.equal(formEncode([["Body", "a b+c&d=é"]]), "Body=a+b%2Bc%26d%3D%C3%A9");
    assert.equal(formEncode([["Body", Buffer.from([0x00, 0xff, 0x41])]]), "Body=%00%FFA");
});

test("the port of a public URL is spelt out after its host and nowhere else", () => {
    const twilio = new TwilioSandbox({
        accountSid: "AC1",
        authToken: token,
        number: "+1",
        webhookUrl: "http://127.0.0.1:1/hooks/a/b",
        publicUrl: "https://gw.example.com/hooks/a/b",
    });
    const call = twilio.compose(params, { port: "explicit" });
    assert.equal(call.headers["x-twilio-signature"], twilioSignature(token, "https://gw.example.com:443/hooks/a/b", params));
    assert.equal(call.target, "/hooks/a/b");
});

test("an event stream is read in whatever pieces it comes", () => {
    const stream = '\uFEFFretry: 3000\n: ok\n\nid: 7\r\nevent: message.received\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 8\n\ndata:x\rdata\r\r:';
    const whole: SseEvent[] = [];
    const parser = new SseParser((event) => whole.push(event));
    parser.push(stream);
    assert.deepEqual(whole, [
        { event: "message.received", data: '{"a":\n1}', id: "7" },
        { event: "message", data: "x\n", id: "8" },
    ]);
    assert.equal(parser.lastId, "8");
    assert.equal(parser.retry, 3000);
    const pieces: SseEvent[] = [];
    const slow = new SseParser((event) => pieces.push(event));
    for (const character of stream) slow.push(character);
    assert.deepEqual(pieces, whole);
});
