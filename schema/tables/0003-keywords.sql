-- SPDX-License-Identifier: Apache-2.0

-- When they last said START or STOP here.
alter table gateway.pair add column keyword_at timestamptz;
