/* SPDX-License-Identifier: Apache-2.0
 *
 * Twilio's signatures (twilio.com/docs/usage/security): HMAC-SHA1 by the auth token over the public URL and, of a form, its sorted parameters.
 */
#include "base/signature.h"
#include "twilio.h"

#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_LENGTH = 28 /* 20 bytes in base64 */ };

static int compare_bytes (const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp (a, b, MIN (a_length, b_length));
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_fields (const void *a, const void *b)
{
    const struct form_field *one = *(const struct form_field *const *) a, *other = *(const struct form_field *const *) b;
    int order = compare_bytes (one->name, one->name_length, other->name, other->name_length);
    return order != 0 ? order : compare_bytes (one->value, one->value_length, other->value, other->value_length);
}

/* The public URL around its port, which is signed or left out: [0, port), [port, rest), [rest, …). */
struct url {
    const char *base; /* public_url */
    size_t port;      /* where its port begins, with the colon */
    size_t rest;      /* where its path begins; the same: it has no port */
    const char *standard_port;
};

/* Behind a proxy only the configured public URL says what the provider called, never Host. */
static struct url url_of (const struct channel *channel)
{
    const char *base = channel->public_url, *host = strstr (base, "://") + strlen ("://");
    const char *rest = host + strcspn (host, "/"), *port = rest;
    while (g_ascii_isdigit (port[-1])) port--;
    port = port[-1] == ':' ? port - 1 : rest;
    return (struct url){base, (size_t) (port - base), (size_t) (rest - base), g_str_has_prefix (base, "https:") ? ":443" : ":80"};
}

static void add_text (GHmac *hmac, const char *text, size_t length)
{
    if (length > 0) g_hmac_update (hmac, (const guchar *) text, (gssize) length);
}

/* One way to write what was signed. */
struct candidate {
    const struct url *url;
    bool with_port;
    const char *target; /* path and query */
    const struct form_field *const *fields;
    size_t n_fields;
};

static bool candidate_matches (const struct candidate *candidate, const char *token, const char *signature)
{
    const struct url *url = candidate->url;
    GHmac *hmac = signature_start (G_CHECKSUM_SHA1, token);
    add_text (hmac, url->base, url->port);
    if (candidate->with_port && url->rest > url->port)
        add_text (hmac, url->base + url->port, url->rest - url->port);
    else if (candidate->with_port)
        add_text (hmac, url->standard_port, strlen (url->standard_port));
    add_text (hmac, url->base + url->rest, strlen (url->base + url->rest));
    add_text (hmac, candidate->target, strlen (candidate->target));
    for (size_t i = 0; i < candidate->n_fields; i++) {
        if (i > 0 && compare_fields (&candidate->fields[i - 1], &candidate->fields[i]) == 0)
            continue; /* Twilio's libraries count equal values of one name once */
        add_text (hmac, candidate->fields[i]->name, candidate->fields[i]->name_length);
        add_text (hmac, candidate->fields[i]->value, candidate->fields[i]->value_length);
    }
    char text[SIGNATURE_TEXT_SIZE];
    signature_base64 (hmac, text);
    return signature_equal (text, signature);
}

/* The target with its query as older signers wrote it: parsed and written again. NULL: that is the same. */
static char *legacy_target (const struct http_request *request)
{
    struct form form;
    if (request->query[0] == '\0' || !form_parse (request->query, strlen (request->query), FIELDS_MAX, &form)) return NULL;
    GString *target = g_string_new (request->path);
    g_string_append_c (target, '?');
    form_format (&form, target);
    form_clear (&form);
    char *text = g_string_free (target, FALSE);
    if (g_str_equal (text, request->target)) g_clear_pointer (&text, g_free);
    return text;
}

/* The configured form with the current token first: that is what nearly every request is signed with. */
static bool any_matches (const struct reading *reading, const struct form *form, const char *signature)
{
    const struct form_field *fields[FIELDS_MAX];
    size_t n_fields = form == NULL ? 0 : form->n_fields;
    for (size_t i = 0; i < n_fields; i++) fields[i] = &form->fields[i];
    qsort (fields, n_fields, sizeof (const struct form_field *), compare_fields);

    const struct url url = url_of (reading->channel);
    const char *const *tokens = values_texts (reading->channel->values, AUTH_TOKEN);
    g_autofree char *legacy = NULL;
    for (unsigned way = 0; way < 4; way++) {
        struct candidate candidate = {&url, (url.rest > url.port) != (way % 2 == 1), reading->request->target, fields, n_fields};
        if (way == 2 && (legacy = legacy_target (reading->request)) == NULL) return false;
        if (way >= 2) candidate.target = legacy;
        for (const char *const *token = tokens; *token != NULL; token++)
            if (candidate_matches (&candidate, *token, signature)) return true;
    }
    return false;
}

bool twilio_is_form (const struct http_request *request)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = http_request_header (request, "Content-Type");
    if (type == NULL) return g_bytes_get_size (request->body) == 0;
    size_t length = strcspn (type, "; \t");
    return length == strlen (form) && g_ascii_strncasecmp (type, form, length) == 0;
}

bool twilio_is_get (const struct http_request *request)
{
    return g_str_equal (request->method, "GET");
}

/* What bodySHA256= in the query says; NULL: nothing. The URL and thereby the hash are signed, the parameters are not. */
static const char *claimed_hash (const struct http_request *request)
{
    static const char name[] = "bodySHA256=";
    for (const char *at = request->query; at != NULL; at = strchr (at, '&')) {
        at += *at == '&';
        if (g_str_has_prefix (at, name)) return at + strlen (name);
    }
    return NULL;
}

static bool body_has_hash (const struct http_request *request, const char *claimed)
{
    char expected[SIGNATURE_TEXT_SIZE];
    gsize length;
    const char *body = g_bytes_get_data (request->body, &length);
    signature_sha256_hex (body, length, expected);
    g_autofree char *given = g_ascii_strdown (claimed, (gssize) strcspn (claimed, "&"));
    return signature_equal (expected, given);
}

enum proof twilio_verify (const struct reading *reading)
{
    const struct http_request *request = reading->request;
    const char *signature = http_request_sole_header (request, "X-Twilio-Signature");
    if (signature == NULL || strlen (signature) != SIGNATURE_LENGTH) return NO_PROOF;
    if (twilio_is_get (request)) return any_matches (reading, NULL, signature) ? PROOF_OF_ALL : NO_PROOF;
    if (twilio_is_form (request) && reading->parsed && any_matches (reading, &reading->form, signature)) return PROOF_OF_ALL;
    const char *claimed = claimed_hash (request);
    if ((claimed == NULL && twilio_is_form (request)) || !any_matches (reading, NULL, signature)) return NO_PROOF;
    if (claimed == NULL) return PROOF_OF_URL;
    return body_has_hash (request, claimed) ? PROOF_OF_ALL : NO_PROOF;
}
