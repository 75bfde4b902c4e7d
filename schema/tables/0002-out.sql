-- The way out: what is to be sent, each try of it, what the provider said, and who must not be written to.

-- Of outgoing messages. error: {"code","title","detail","provider_code"}. n_parts: how many pieces the provider will count; null where it
-- counts none (notes, what came in).
alter table gateway.message
    add column error jsonb,
    add column lane text check (lane in ('normal', 'bulk')),
    add column expires_at timestamptz,
    add column retry_of uuid,
    add column n_parts int,
    add column segments jsonb;              -- {"segments":2,"encoding":"UCS-2","units":80}: how an SMS is counted

create index message_reference on gateway.message (account_id, reference, message_id) where reference is not null;

-- One piece that a provider counts by itself, once it was sent. A message's status is that of its least advanced part.
create table gateway.part (
    account_id bigint not null,
    message_id uuid not null,
    part int not null,
    status text not null,
    external_id text,
    code text,
    detail text,
    updated_at timestamptz not null,
    primary key (account_id, message_id, part),
    foreign key (account_id, message_id) references gateway.message
) with (fillfactor = 80);

-- The work of getting one outgoing message out; the row lives only while that is unfinished.
-- state 0: ready, or claimed until run_at (claim_id is set); 1: held behind an earlier one of its pair; 2: uncertain, waiting for a hand.
-- lane 0 goes before lane 1. position rises along a pair. weight: what the provider counts (segments), for the channel's rate.
create table gateway.delivery (
    account_id bigint not null,
    channel_id bigint not null,
    uri text not null,
    position bigint not null,
    message_id uuid not null,
    state smallint not null,
    lane smallint not null,
    run_at timestamptz not null,
    created_at timestamptz not null,
    give_up_at timestamptz not null,
    expires_at timestamptz,
    attempts int not null default 0,
    part int not null default 0,            -- the next one to send
    weight int not null default 1,
    uncertain boolean not null default false,
    claim_id uuid,
    notes text,                             -- what its adapter learned of this part
    primary key (account_id, channel_id, uri, position),
    unique (account_id, message_id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index delivery_ready on gateway.delivery (account_id, channel_id, lane, run_at) where state = 0;

-- Every try, kept as long as events are.
create table gateway.attempt (
    account_id bigint not null,
    message_id uuid not null,
    attempt int not null,
    part int not null,
    at timestamptz not null,                -- when it ended
    outcome text not null,                  -- sent, retry, failed, opted_out, uncertain
    http_status int,
    code text,                              -- the provider's own
    detail text,                            -- the provider's words, or the transport's
    milliseconds int not null,
    primary key (account_id, message_id, attempt, part, at)
) partition by range (at);
create table gateway.attempt_default partition of gateway.attempt default;

-- Receipts: pending ones are to be looked at from look_at on; message_id is set when one found its message. reference: the message that the
-- receipt itself names.
alter table gateway.receipt
    add column reference uuid,
    add column reference_part int,
    add column opted_out boolean not null default false,
    add column pending boolean not null default true,
    add column looks int not null default 0,
    add column look_at timestamptz not null default '-infinity',
    add column message_id uuid;
create index receipt_pending on gateway.receipt (look_at) where pending;
create index receipt_message on gateway.receipt (account_id, message_id) where message_id is not null;
-- What found no message goes after a week, the others when their events go.
drop index gateway.receipt_age;
create index receipt_waiting on gateway.receipt (at) where message_id is null;
create index receipt_age on gateway.receipt using brin (at);

-- Whether an opt-out holds on the channel where it was said, or on all channels of the account.
alter table gateway.account add column opt_out_scope text not null default 'pair' check (opt_out_scope in ('pair', 'account'));

-- Who must not be written to, and why. channel_id null: on no channel of the account. A row that ended is kept as evidence.
create table gateway.opt_out (
    account_id bigint not null,
    opt_out_id uuid not null,
    channel_id bigint,
    uri text not null,
    source text not null check (source in ('keyword', 'provider', 'agent')),
    word text,                              -- what was said, or the provider's code
    journal_id uuid,                        -- the request that is the evidence
    at timestamptz not null,
    ended_at timestamptz,
    ended_by text,
    primary key (account_id, opt_out_id)
);
create unique index opt_out_now on gateway.opt_out (account_id, uri, coalesce (channel_id, 0)) where ended_at is null;

-- When they last said START or STOP here.
alter table gateway.pair add column keyword_at timestamptz;

-- What a business answers nobody: a blocked contact is not written to either.
alter table gateway.contact add column blocked_at timestamptz;

-- Sending on a channel belongs to one gateway at a time, by the database's clock.
create table gateway.channel_lease (
    account_id bigint not null,
    channel_id bigint not null,
    gateway_id uuid not null,
    until timestamptz not null,
    primary key (account_id, channel_id),
    foreign key (account_id, channel_id) references gateway.channel
) with (fillfactor = 20);

-- How a channel fares. health: up, degraded (works, but something is to be mended), down. seen_to: what came in is known up to then.
create table gateway.channel_state (
    account_id bigint not null,
    channel_id bigint not null,
    health text not null default 'up' check (health in ('up', 'degraded', 'down')),
    cause text,
    remedy text,
    since timestamptz not null,
    checked_at timestamptz,
    paused_at timestamptz,
    seen_to timestamptz,
    primary key (account_id, channel_id),
    foreign key (account_id, channel_id) references gateway.channel
) with (fillfactor = 50);

-- What is kept of a POST, so that the same one again has the same answer. In the transaction of its effect.
create table gateway.idempotency (
    account_id bigint not null,
    hash bytea not null check (octet_length (hash) = 32),          -- of key, route and Idempotency-Key
    fingerprint bytea not null check (octet_length (fingerprint) = 32),   -- of the body
    status int not null,
    body text not null,
    created_at timestamptz not null,
    primary key (account_id, hash)
);
create index idempotency_age on gateway.idempotency using brin (created_at);

-- Files: those that agents upload have no message yet; those that a provider holds are fetched when run_at comes.
alter table gateway.attachment
    alter column message_id drop not null,
    add column channel_id bigint,
    add column run_at timestamptz,
    add column attempts int not null default 0,
    add column claim_id uuid,
    add column error text;
update gateway.attachment f set channel_id = m.channel_id, run_at = now ()
from gateway.message m
where m.account_id = f.account_id and m.message_id = f.message_id and f.status = 'waiting';
create index attachment_unused on gateway.attachment (created_at) where message_id is null;
create index attachment_waiting on gateway.attachment (account_id, channel_id, run_at) where status = 'waiting';

-- Random bytes made here once; every gateway on this database signs with the same ones. media: the URLs under /media.
create table gateway.secret (
    name text primary key,
    value bytea not null,
    created_at timestamptz not null default now ()
);
insert into gateway.secret (name, value) values ('media', uuid_send (gen_random_uuid ()) || uuid_send (gen_random_uuid ()) || uuid_send (gen_random_uuid ()));

-- Outgoing messages by time, for the search by status.
create index message_outgoing on gateway.message (account_id, message_id) where kind = 'outgoing';

-- Of channel.up, channel.down and channel.degraded.
alter table gateway.event add column channel_id bigint;

-- The request itself, of an entry that still waits when the journal lets it go.
alter table gateway.quarantine add column raw bytea, add column file text;
