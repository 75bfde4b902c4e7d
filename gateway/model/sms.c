/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sms.h"

#include <glib.h>

enum { GSM7_ALONE = 160, GSM7_SEGMENT = 153, UCS2_ALONE = 70, UCS2_SEGMENT = 67 };

/* GSM 03.38 by rows of sixteen; 0x1b is the escape to the extension and no character. */
static const char alphabet[] = "@£$¥èéùìòÇ\nØø\rÅå"
                               "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
                               " !\"#¤%&'()*+,-./"
                               "0123456789:;<=>?"
                               "¡ABCDEFGHIJKLMNO"
                               "PQRSTUVWXYZÄÖÑÜ§"
                               "¿abcdefghijklmno"
                               "pqrstuvwxyzäöñüà";
static const char extension[] = "\f^{}\\[~]|€";

/* 0: it is not in GSM 03.38. */
static int septets (gunichar c)
{
    return g_utf8_strchr (alphabet, -1, c) != NULL ? 1 : g_utf8_strchr (extension, -1, c) != NULL ? 2 : 0;
}

static int utf16_units (gunichar c)
{
    return c > 0xffff ? 2 : 1;
}

/* Fills segment after segment. */
static void count (const char *text, int (*units_of) (gunichar c), int alone, int segment, struct sms_segments *counted)
{
    int filled = 0;
    counted->units = 0;
    counted->segments = 1;
    for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at)) {
        int units = units_of (g_utf8_get_char (at));
        counted->units += units;
        filled += units;
        if (filled <= segment) continue;
        counted->segments++;
        filled = units;
    }
    if (counted->units <= alone) counted->segments = 1;
}

struct sms_segments sms_count (const char *text)
{
    struct sms_segments counted = {.encoding = SMS_GSM7};
    for (const char *at = text; *at != '\0' && counted.encoding == SMS_GSM7; at = g_utf8_next_char (at))
        if (septets (g_utf8_get_char (at)) == 0) counted.encoding = SMS_UCS2;
    if (counted.encoding == SMS_GSM7)
        count (text, septets, GSM7_ALONE, GSM7_SEGMENT, &counted);
    else
        count (text, utf16_units, UCS2_ALONE, UCS2_SEGMENT, &counted);
    return counted;
}

const char *sms_encoding_name (enum sms_encoding encoding)
{
    return encoding == SMS_GSM7 ? "GSM-7" : "UCS-2";
}

char *sms_json (const struct sms_segments *counted)
{
    return g_strdup_printf ("{\"segments\":%d,\"encoding\":\"%s\",\"units\":%d}", counted->segments, sms_encoding_name (counted->encoding),
                            counted->units);
}
