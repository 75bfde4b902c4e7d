/* SPDX-License-Identifier: Apache-2.0
 *
 * Templates: what a provider has approved, and whether a message gives all that one asks for. components is the provider's JSON array
 * (developers.facebook.com/docs/whatsapp/business-management-api/message-templates):
 *
 *     [{"type":"HEADER","format":"TEXT","text":"Order {{1}}"}, {"type":"BODY","text":"Hello {{first_name}}, …"},
 *      {"type":"FOOTER","text":"…"}, {"type":"BUTTONS","buttons":[{"type":"URL","text":"Open","url":"https://x.org/{{1}}"}, …]}]
 *
 * A body counts its places ({{1}}, {{2}} …) or names them; params are then a list or an object. Pure.
 */
#pragma once
#include "model/content.h"

/* Does content of the kind template, with so many files, give what the template asks for, and no more? False: fault says what is missing or
 * too many, with its place within content ("/params/2", "/params/first_name"). Components of unknown types ask for nothing. */
bool template_check (const json_t *components, const json_t *content, size_t n_files, struct content_fault *fault);

/* What the customer will read: header, body and footer with the params in their places, a new string; NULL: there is no body. */
char *template_plain (const json_t *components, const json_t *content);
