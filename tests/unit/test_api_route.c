/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/route.h"

#include <string.h>

#define ID "01900000-0000-7000-8000-0000000000ab"

static enum route_result find (const char *method, const char *path, const struct route **route, struct id *id, char **allow)
{
    g_clear_pointer (allow, g_free);
    *route = NULL;
    *id = (struct id){{0}};
    return route_find (method, path, route, id, allow);
}

static void test_every_path_finds_its_route (void)
{
    static const struct {
        const char *method, *path;
        enum endpoint endpoint;
        const char *scope;
    } cases[] = {
        {"GET", "/v1/tickets", GET_TICKETS, "tickets:read"},
        {"GET", "/v1/tickets/" ID, GET_TICKET, "tickets:read"},
        {"PATCH", "/v1/tickets/" ID, PATCH_TICKET, "tickets:write"},
        {"GET", "/v1/tickets/" ID "/messages", GET_TICKET_MESSAGES, "tickets:read"},
        {"POST", "/v1/tickets/" ID "/messages", POST_TICKET_MESSAGE, "messages:send"},
        {"POST", "/v1/tickets/" ID "/signals", POST_SIGNAL, "messages:send"},
        {"GET", "/v1/messages", GET_MESSAGES, "tickets:read"},
        {"POST", "/v1/messages", POST_MESSAGE, "messages:send"},
        {"GET", "/v1/messages/" ID, GET_MESSAGE, "tickets:read"},
        {"POST", "/v1/messages/" ID "/cancel", POST_CANCEL, "messages:send"},
        {"POST", "/v1/messages/" ID "/settle", POST_SETTLE, "messages:send"},
        {"GET", "/v1/contacts/" ID, GET_CONTACT, "tickets:read"},
        {"PATCH", "/v1/contacts/" ID, PATCH_CONTACT, "tickets:write"},
        {"GET", "/v1/opt-outs", GET_OPT_OUTS, "tickets:read"},
        {"POST", "/v1/opt-outs", POST_OPT_OUT, "tickets:write"},
        {"DELETE", "/v1/opt-outs/" ID, DELETE_OPT_OUT, "tickets:write"},
        {"GET", "/v1/channels", GET_CHANNELS, "tickets:read"},
        {"GET", "/v1/channels/support-sms/templates", GET_TEMPLATES, "tickets:read"},
        {"POST", "/v1/attachments", POST_ATTACHMENT, "messages:send"},
        {"GET", "/v1/attachments/" ID, GET_ATTACHMENT, "tickets:read"},
        {"GET", "/media/any%20thing", GET_MEDIA, NULL},
        {"HEAD", "/media/", GET_MEDIA, NULL},
        {"GET", "/v1/quarantine", GET_QUARANTINE, "quarantine:manage"},
        {"POST", "/v1/quarantine/" ID "/reprocess", POST_REPROCESS, "quarantine:manage"},
        {"GET", "/v1/events", GET_EVENTS, "tickets:read"},
        {"GET", "/openapi.json", GET_OPENAPI, NULL},
        {"HEAD", "/v1/tickets", GET_TICKETS, "tickets:read"},
    };
    g_autofree char *allow = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        const struct route *route;
        struct id id;
        g_assert_cmpint (find (cases[i].method, cases[i].path, &route, &id, &allow), ==, ROUTE_FOUND);
        g_assert_cmpint (route->endpoint, ==, cases[i].endpoint);
        g_assert_cmpstr (route->scope, ==, cases[i].scope);
        if (strstr (cases[i].path, ID)) {
            char text[ID_TEXT_SIZE];
            id_format (&id, text);
            g_assert_cmpstr (text, ==, ID);
        }
    }
}

static void test_other_paths_are_unknown (void)
{
    static const char *const paths[] = {
        "",
        "/",
        "/v1",
        "/v1/",
        "/v2/tickets",
        "/v1/tickets/",
        "/v1/tickets//",
        "/v1//tickets",
        "/v1/ticketsx",
        "/V1/tickets",
        "/v1/tickets/7",
        "/v1/tickets/" ID "/",
        "/v1/tickets/" ID "x",
        "/v1/tickets/" ID "/message",
        "/v1/tickets/" ID "/messages/",
        "/v1/tickets/{id}",
        "/v1/tickets/0190000000000-7000-8000-0000000000ab",
        "/v1/tickets/01900000-0000-7000-8000-0000000000a",
        "/v1/%74ickets",
        "/v1/tickets/../tickets",
        "/v1/quarantine/" ID,
        "/v1/quarantine/" ID "/done",
        "/v1/messages/" ID "/send",
        "/v1/channels/",
        "/v1/channels/sms",
        "/v1/channels//templates",
        "/v1/channels/SMS/templates",
        "/v1/channels/s%6ds/templates",
        "/v1/channels/sms/templates/",
        "/v1/channels/sms/x/templates",
        "/media",
        "/v1/media/x",
        "/openapi.json/",
        "/metrics",
    };
    g_autofree char *allow = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS (paths); i++) {
        const struct route *route;
        struct id id;
        g_assert_cmpint (find ("GET", paths[i], &route, &id, &allow), ==, ROUTE_UNKNOWN);
        g_assert_null (allow);
    }
}

static void test_other_methods_are_told_which_there_are (void)
{
    const struct route *route;
    struct id id;
    g_autofree char *allow = NULL;
    g_assert_cmpint (find ("DELETE", "/v1/tickets", &route, &id, &allow), ==, ROUTE_OTHER_METHOD);
    g_assert_cmpstr (allow, ==, "GET, HEAD");
    g_assert_cmpint (find ("POST", "/v1/tickets/" ID, &route, &id, &allow), ==, ROUTE_OTHER_METHOD);
    g_assert_cmpstr (allow, ==, "GET, HEAD, PATCH");
    g_assert_cmpint (find ("GET", "/v1/quarantine/" ID "/reprocess", &route, &id, &allow), ==, ROUTE_OTHER_METHOD);
    g_assert_cmpstr (allow, ==, "POST");
    g_assert_cmpint (find ("PUT", "/v1/tickets/" ID "/messages", &route, &id, &allow), ==, ROUTE_OTHER_METHOD);
    g_assert_cmpstr (allow, ==, "GET, HEAD, POST");
    g_assert_cmpint (find ("POST", "/media/x", &route, &id, &allow), ==, ROUTE_OTHER_METHOD);
    g_assert_cmpstr (allow, ==, "GET, HEAD");
    g_assert_cmpint (find ("get", "/v1/tickets", &route, &id, &allow), ==, ROUTE_OTHER_METHOD);
}

/* Whoever adds a route without a scope opens it to everybody: only the description is,
 * and /media, whose URLs are signed. */
static void test_no_route_forgets_its_scope (void)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    static const char *const paths[] = {"/v1/tickets",
                                        "/v1/tickets/" ID,
                                        "/v1/tickets/" ID "/messages",
                                        "/v1/messages/" ID,
                                        "/v1/contacts/" ID,
                                        "/v1/opt-outs",
                                        "/v1/opt-outs/" ID,
                                        "/v1/tickets/" ID "/signals",
                                        "/v1/channels",
                                        "/v1/channels/sms/templates",
                                        "/v1/attachments/" ID,
                                        "/v1/quarantine",
                                        "/v1/quarantine/" ID "/reprocess",
                                        "/v1/events",
                                        "/v1/messages",
                                        "/v1/messages/" ID "/cancel",
                                        "/v1/messages/" ID "/settle",
                                        "/v1/attachments"};
    unsigned found = 0;
    g_autofree char *allow = NULL;
    for (size_t p = 0; p < G_N_ELEMENTS (paths); p++)
        for (size_t m = 0; m < G_N_ELEMENTS (methods); m++) {
            const struct route *route;
            struct id id;
            if (find (methods[m], paths[p], &route, &id, &allow) != ROUTE_FOUND) continue;
            found++;
            g_assert_nonnull (route->scope);
            g_assert_true (m == 0 || !g_str_has_suffix (route->scope, ":read"));
        }
    g_assert_cmpuint (found, ==, 23);
}

static const struct route *route_of (const char *path)
{
    const struct route *route;
    struct id id;
    g_autofree char *allow = NULL;
    g_assert_cmpint (find ("GET", path, &route, &id, &allow), ==, ROUTE_FOUND);
    return route;
}

static void test_a_channel_is_named (void)
{
    const char *path = "/v1/channels/support-sms-2/templates";
    g_autofree char *slug = route_slug (route_of (path), path);
    g_assert_cmpstr (slug, ==, "support-sms-2");
}

static void test_parameters_are_decoded (void)
{
    g_autofree char *wrong = NULL;
    g_autoptr (GHashTable) values = route_query (route_of ("/v1/tickets"), "status=open&channel=a%2Db%c3%a9&&cursor=&", &wrong);
    g_assert_nonnull (values);
    g_assert_cmpstr (g_hash_table_lookup (values, "status"), ==, "open");
    g_assert_cmpstr (g_hash_table_lookup (values, "channel"), ==, "a-b\xc3\xa9");
    g_assert_cmpstr (g_hash_table_lookup (values, "cursor"), ==, "");
    g_assert_cmpuint (g_hash_table_size (values), ==, 3);
    g_autoptr (GHashTable) none = route_query (route_of ("/v1/channels"), "", &wrong);
    g_assert_cmpuint (g_hash_table_size (none), ==, 0);
}

static void test_wrong_parameters_are_named (void)
{
    static const struct {
        const char *path, *query, *wrong;
    } cases[] = {
        {"/v1/tickets", "limit=1&unknown=1", "unknown"},
        {"/v1/tickets", "order=asc", "order"},
        {"/v1/tickets", "limit=1&limit=1", "limit"},
        {"/v1/tickets", "status=%ff", "status"},
        {"/v1/tickets", "status=%00", "status"},
        {"/v1/tickets", "status=%zz", "status"},
        {"/v1/tickets", "=x", ""},
        {"/v1/tickets/" ID, "limit=1", "limit"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *wrong = NULL;
        g_assert_null (route_query (route_of (cases[i].path), cases[i].query, &wrong));
        g_assert_cmpstr (wrong, ==, cases[i].wrong);
    }
}

int main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/api route/every path finds its route", test_every_path_finds_its_route);
    g_test_add_func ("/api route/other paths are unknown", test_other_paths_are_unknown);
    g_test_add_func ("/api route/other methods are told which there are", test_other_methods_are_told_which_there_are);
    g_test_add_func ("/api route/no route forgets its scope", test_no_route_forgets_its_scope);
    g_test_add_func ("/api route/a channel is named", test_a_channel_is_named);
    g_test_add_func ("/api route/parameters are decoded", test_parameters_are_decoded);
    g_test_add_func ("/api route/wrong parameters are named", test_wrong_parameters_are_named);
    return g_test_run ();
}
