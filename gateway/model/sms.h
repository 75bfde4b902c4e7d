/* SPDX-License-Identifier: Apache-2.0
 *
 * How an SMS is counted: what providers bill and what a channel's rate means. A text whose characters are all in GSM 03.38 goes as GSM-7,
 * else as UCS-2; one that fits no single message is cut into segments, each of which loses room to the header that joins them
 * (3GPP TS 23.038 §6.2.1, TS 23.040 §9.2.3.24.1):
 *
 *               unit                                    alone   in a segment of several
 *     GSM-7     a septet; ^{}\[~]|€ and FF take two       160   153
 *     UCS-2     two bytes; an emoji takes two              70    67
 *
 * Nothing that takes two units is cut in two, so there may be more segments than units / 153. The provider does the cutting; this only counts.
 */
#pragma once

enum sms_encoding { SMS_GSM7, SMS_UCS2 };

struct sms_segments {
    enum sms_encoding encoding;
    int units;
    int segments; /* at least 1 */
};

/* text is valid UTF-8. */
struct sms_segments sms_count (const char *text);

/* "GSM-7" or "UCS-2". */
const char *sms_encoding_name (enum sms_encoding encoding);

/* {"segments":2,"encoding":"UCS-2","units":80}; a new string. */
char *sms_json (const struct sms_segments *counted);
