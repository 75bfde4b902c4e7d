/* SPDX-License-Identifier: Apache-2.0 */
#include "base/keys.h"

#include "base/signature.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "sb_"
#define N_PREFIX 3
#define N_RANDOM 30
#define N_SUM 6

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* CRC-32 of ISO 3309, as in PNG and zip; short inputs, so bit by bit. */
static uint32_t crc32 (const char *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= (uint8_t) bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320U : 0);
    }
    return ~crc;
}

static void put_sum (const char *key, char sum[N_SUM])
{
    uint32_t crc = crc32 (key, N_PREFIX + N_RANDOM);
    for (int i = N_SUM - 1; i >= 0; i--, crc /= 62) sum[i] = digits[crc % 62];
}

void key_make (char key[KEY_TEXT_SIZE])
{
    memcpy (key, PREFIX, N_PREFIX);
    for (int i = 0; i < N_RANDOM; i++) key[N_PREFIX + i] = digits[randombytes_uniform (62)];
    put_sum (key, key + N_PREFIX + N_RANDOM);
    key[KEY_TEXT_SIZE - 1] = '\0';
}

bool key_check (const char *text)
{
    if (strlen (text) != KEY_TEXT_SIZE - 1 || memcmp (text, PREFIX, N_PREFIX) != 0 || strspn (text + N_PREFIX, digits) != N_RANDOM + N_SUM)
        return false;
    char sum[N_SUM];
    put_sum (text, sum);
    return memcmp (sum, text + N_PREFIX + N_RANDOM, N_SUM) == 0;
}

void key_hash (const char *key, uint8_t hash[32])
{
    signature_sha256 (key, strlen (key), hash);
}
