/* SPDX-License-Identifier: Apache-2.0
 *
 * What adapters judge answers with, whoever the provider is: an answer as JSON, a table of what its codes mean, and its words without our
 * secrets. A provider's codes and sentences are its adapter's:
 *
 *     static const struct judge_rule codes[] = {{21610, VERDICT_OPTED_OUT, SCOPE_PAIR, "opted_out", "the receiver wants no messages"}, …};
 *
 *     json_auto_t *said = judge_object (answer);
 *     const struct judge_rule *rule = judge_find (codes, G_N_ELEMENTS (codes), code_of (said));
 *     if (rule != NULL) judge_apply (rule, answer, verdict);
 *
 * Pure.
 */
#pragma once
#include "base/json.h"
#include "model/task.h"

/* What is made of one code, or of one status. Static. */
struct judge_rule {
    int number;
    enum verdict_kind kind;
    enum verdict_scope scope; /* VERDICT_RETRY, VERDICT_UNCERTAIN */
    const char *code, *title, *remedy;
    int after; /* VERDICT_RETRY: seconds at least; 0: as flow thinks best */
};

/* Beginnings of a rule. */
#define JUDGE_REFUSED VERDICT_REFUSED, SCOPE_MESSAGE
#define JUDGE_RETRY_CHANNEL VERDICT_RETRY, SCOPE_CHANNEL
#define JUDGE_RETRY_MESSAGE VERDICT_RETRY, SCOPE_MESSAGE
#define JUDGE_DOWN VERDICT_CHANNEL_DOWN, SCOPE_CHANNEL

/* Without a number: what a redirect of an API's means, and an answer that says nothing. */
extern const struct judge_rule judge_redirected, judge_unclear;
/* The same of a file that a provider is to hand out (TASK_FETCH). */
extern const struct judge_rule judge_file_gone, judge_file_later, judge_file_refused, judge_file_too_large, judge_file_bad_redirect,
    judge_file_too_many_redirects;

/* NULL: no rule has the number. */
const struct judge_rule *judge_find (const struct judge_rule *rules, size_t n, int64_t number);
void judge_apply (const struct judge_rule *rule, const struct call_answer *answer, struct verdict *verdict);
/* VERDICT_UNCERTAIN becomes VERDICT_RETRY: nobody noticed anything, so it can be done again. */
void judge_unnoticed (const struct call_answer *answer, struct verdict *verdict);
/* Whether what a status says of a file passes. 401 and 403 do: the file's host may say so of a link that has expired, and whether the
 * credentials are good is TASK_PROBE's affair. */
bool judge_file_passes (unsigned status);

/* The JSON object of an answer; NULL: it is none, or was cut. */
json_t *judge_object (const struct call_answer *answer);

/* Keeps the provider's words as the verdict's detail; said NULL or "": what was there stays. They may repeat what we said, so secrets
 * (NULL-terminated) and the signed URLs of the task's files are taken out. The rest is cut at a character's end. */
void judge_keep_words (const struct task *task, const char *said, const char *const *secrets, struct verdict *verdict);
