-- The model of Switchboard: what an account is, who writes to it, and what was said.
-- Every table begins its primary key, its foreign and its unique keys with account_id, so that it can be distributed by account.
-- No triggers. Functions live in a schema of their own, named by the build (schema/functions).

-- One row: the oldest binary that may use these tables. A gateway older than that refuses to start.
create table gateway.release (
    only_row boolean primary key default true check (only_row),
    min_binary int not null
);
insert into gateway.release (min_binary) values (1);

-- Schemas of functions by build, with the day when a gateway last used them; migrate drops those unused for a week.
create table gateway.build (
    name text primary key,
    used_at timestamptz not null default now()
);

-- A business. config_file names the file that put it there: only that file may disable it.
create table gateway.account (
    account_id bigint generated always as identity primary key,
    slug text not null unique,
    name text not null,
    config_file text,
    disabled_at timestamptz,
    created_at timestamptz not null default now()
);

-- One configured end point of an account.
create table gateway.channel (
    account_id bigint not null references gateway.account,
    channel_id bigint generated always as identity,
    slug text not null,
    adapter text not null,
    address text,
    config_file text,
    disabled_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (account_id, channel_id),
    unique (account_id, slug)
);

-- What a program signs in with. Only the SHA-256 of the whole key is kept. hash is looked up before the account is known.
create table gateway.key (
    account_id bigint not null references gateway.account,
    key_id uuid not null,
    name text not null,
    hash bytea not null unique check (octet_length(hash) = 32),
    last_four text not null,
    scopes text[],                          -- null: everything in its account
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    primary key (account_id, key_id)
);

-- A person.
create table gateway.contact (
    account_id bigint not null,
    contact_id uuid not null,
    name text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (account_id, contact_id)
);

-- How a person is reached.
create table gateway.address (
    account_id bigint not null,
    uri text not null,
    contact_id uuid not null,
    created_at timestamptz not null,
    primary key (account_id, uri),
    foreign key (account_id, contact_id) references gateway.contact
);
create index address_contact on gateway.address (account_id, contact_id);

-- The line between a business and a person, and the lock of everything that happens on it.
-- ticket_id is its newest ticket, open or closed. contact_id is null only inside the transaction that makes the pair.
create table gateway.pair (
    account_id bigint not null,
    channel_id bigint not null,
    uri text not null,
    contact_id uuid,
    ticket_id uuid,
    window_until timestamptz,
    primary key (account_id, channel_id, uri),
    foreign key (account_id, channel_id) references gateway.channel
) with (fillfactor = 80);

-- One conversation on a pair. Every message updates its row, so no index holds what a message changes: the update stays HOT.
create table gateway.ticket (
    account_id bigint not null,
    ticket_id uuid not null,
    number bigint not null,
    channel_id bigint not null,
    uri text not null,
    contact_id uuid not null,
    status text not null default 'open' check (status in ('open', 'pending', 'snoozed', 'closed')),
    subject text,
    unread int not null default 0,
    last_number bigint not null,
    last_message_id uuid not null,
    last_message_at timestamptz not null,
    closed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null default 1,
    primary key (account_id, ticket_id),
    foreign key (account_id, channel_id, uri) references gateway.pair
) with (fillfactor = 70);
create index ticket_unclosed on gateway.ticket (account_id, ticket_id) where status <> 'closed';
create index ticket_closed on gateway.ticket (account_id, closed_at, ticket_id) where status = 'closed';

-- One thing said. created_at is also the time of its journal entry, so that the right partition is found.
create table gateway.message (
    account_id bigint not null,
    message_id uuid not null,
    ticket_id uuid not null,
    number bigint not null,
    journal_id uuid,
    channel_id bigint not null,
    kind text not null check (kind in ('incoming', 'outgoing', 'note', 'system')),
    status text not null,
    from_uri text,
    to_uri text,
    author_type text not null default 'contact',
    author_id uuid,
    external_id text,
    reference text,
    in_reply_to uuid,
    text text,
    content jsonb not null,
    metadata jsonb,
    has_attachments boolean not null default false,
    created_at timestamptz not null,
    provider_time timestamptz,
    primary key (account_id, message_id),
    foreign key (account_id, ticket_id) references gateway.ticket
) with (fillfactor = 90);
create unique index message_number on gateway.message (account_id, ticket_id, number);

-- A file of a message. The bytes live in storage.directory under their SHA-256; until they are fetched, url says where the provider holds them.
create table gateway.attachment (
    account_id bigint not null,
    attachment_id uuid not null,
    message_id uuid not null,
    position int not null,
    status text not null default 'waiting' check (status in ('waiting', 'stored', 'failed')),
    url text,
    mime text,
    name text,
    size bigint,
    sha256 bytea,
    created_at timestamptz not null,
    primary key (account_id, attachment_id),
    foreign key (account_id, message_id) references gateway.message
);
create index attachment_message on gateway.attachment (account_id, message_id, position);

-- Once: sixteen bytes of hash over kind and the provider's id. Dedupes what comes in; finds the message that a receipt speaks of.
create table gateway.provider_id (
    account_id bigint not null,
    channel_id bigint not null,
    hash bytea not null check (octet_length(hash) = 16),
    message_id uuid not null,
    part int not null default 0,
    created_at timestamptz not null,
    primary key (account_id, channel_id, hash)
);
create index provider_id_age on gateway.provider_id using brin (created_at);

-- Receipts whose message is not known (yet); kept for seven days.
create table gateway.receipt (
    account_id bigint not null,
    channel_id bigint not null,
    hash bytea not null,
    journal_id uuid not null,
    position int not null,
    external_id text not null,
    status text not null,
    code text,
    detail text,
    at timestamptz not null,
    primary key (account_id, channel_id, hash, journal_id, position)
);
create index receipt_age on gateway.receipt (at);

-- What was accepted, verbatim (raw, or a file of storage.directory named by its SHA-256), with what it became.
create table gateway.journal (
    account_id bigint not null,
    journal_id uuid not null,
    channel_id bigint not null,
    at timestamptz not null,
    raw bytea,
    file text,
    outcome text not null,
    primary key (account_id, journal_id, at)
) partition by range (at);
create table gateway.journal_default partition of gateway.journal default;

-- Journal entries that could not be understood, waiting with their reason. quarantine_id is the entry's journal_id, at its time.
create table gateway.quarantine (
    account_id bigint not null,
    quarantine_id uuid not null,
    channel_id bigint not null,
    reason text not null,
    size bigint not null,
    at timestamptz not null,
    reprocessed_at timestamptz,
    primary key (account_id, quarantine_id)
);

-- The counters of an account; its row is the last lock of every writing transaction, held until the commit is on disk, so that event numbers
-- are commit order without gaps. fillfactor: many versions fit on a page, so every bump is HOT.
create table gateway.counter (
    account_id bigint primary key references gateway.account,
    last_event bigint not null default 0,
    last_ticket bigint not null default 0
) with (fillfactor = 20);

-- One line of an account's log. Ids, not copies.
create table gateway.event (
    account_id bigint not null,
    number bigint not null,
    type text not null,
    at timestamptz not null,
    ticket_id uuid,
    message_id uuid,
    subject_id uuid,                        -- a contact or a quarantine entry
    primary key (account_id, number, at)
) partition by range (at);
create table gateway.event_default partition of gateway.event default;
