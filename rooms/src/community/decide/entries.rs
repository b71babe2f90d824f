//! What commands about invitations and the calendar write. Pure.

use super::{By, Context, Write};
use crate::community::policy::{Act, Actor};
use crate::community::request::{NewInvite, NewSchedule};
use crate::community::role::RoleKind;
use crate::limits;
use crate::store::{InviteRecord, ScheduleRecord};
use crate::view::User;
use crate::{Error, InviteId, Result, ScheduleId};
use std::time::SystemTime;

/// What an invitation has that nobody chooses.
pub(super) struct Fresh {
    pub(super) id: InviteId,
    pub(super) at: SystemTime,
    pub(super) secret_hash: [u8; 32],
    pub(super) created_by: Option<User>,
}

impl Context<'_> {
    pub(super) fn create_invite(&self, actor: Actor<'_>, new: &NewInvite, fresh: Fresh) -> Result<Write> {
        let role = match &new.role {
            Some(role) => self.role(role)?,
            None => self.role_of(RoleKind::Member)?,
        };
        self.may(actor, Act::Invite { role })?;
        limits::invite_ttl(new.ttl)?;
        new.max_uses.map(limits::link_uses).transpose()?;
        let Fresh { id, at, secret_hash, created_by } = fresh;
        Ok(Write::Invite(InviteRecord {
            id,
            server: self.tree.server.id.clone(),
            secret_hash,
            role: role.id.clone(),
            created_by,
            created_at: at,
            expires_at: new.ttl.map(|ttl| at + ttl),
            max_uses: new.max_uses,
            uses: 0,
            revoked: false,
        }))
    }

    pub(super) fn revoke_invite(&self, actor: Actor<'_>, id: InviteId, kept: Option<InviteRecord>) -> Result<Write> {
        let invite = kept.filter(|invite| invite.id == id).ok_or(Error::NotFound("invitation"))?;
        self.may(actor, Act::Revoke(&invite))?;
        Ok(Write::Revoke(id))
    }

    pub(super) fn create_schedule(&self, actor: Actor<'_>, by: &By, new: NewSchedule, id: ScheduleId, at: SystemTime) -> Result<Write> {
        self.may(actor, Act::Schedule)?;
        let created_by = by.user().cloned().ok_or(Error::Forbidden("a calendar's entries are made by members"))?;
        Ok(Write::Schedule(self.schedule(new, id, created_by, at)?))
    }

    pub(super) fn update_schedule(
        &self,
        actor: Actor<'_>,
        id: ScheduleId,
        kept: Option<ScheduleRecord>,
        to: NewSchedule,
        at: SystemTime,
    ) -> Result<Write> {
        let before = kept.filter(|schedule| schedule.id == id).ok_or(Error::NotFound("schedule"))?;
        self.may(actor, Act::ChangeSchedule(&before))?;
        Ok(Write::Schedule(self.schedule(to, id, before.created_by, at)?))
    }

    pub(super) fn delete_schedule(&self, actor: Actor<'_>, id: ScheduleId, kept: Option<ScheduleRecord>) -> Result<Write> {
        let before = kept.filter(|schedule| schedule.id == id).ok_or(Error::NotFound("schedule"))?;
        self.may(actor, Act::ChangeSchedule(&before))?;
        Ok(Write::Unschedule(id))
    }

    fn schedule(&self, new: NewSchedule, id: ScheduleId, created_by: User, at: SystemTime) -> Result<ScheduleRecord> {
        let NewSchedule { title, description, starts_at, ends_at, color, remind_before } = new;
        let title = limits::name("title", &title)?;
        limits::description("description", &description, limits::DESCRIPTION_CHARS_MAX)?;
        limits::color(color)?;
        if ends_at.is_some_and(|ends_at| ends_at < starts_at) {
            return Err(limits::invalid("ends_at", "is before starts_at".to_owned()));
        }
        if remind_before.is_some_and(|before| before > limits::REMIND_MAX) {
            return Err(limits::invalid("remind_before_s", format!("is more than {}", limits::REMIND_MAX.as_secs())));
        }
        // What would have been reminded of in the past isn't any more.
        let remind_at = remind_before.and_then(|before| starts_at.checked_sub(before)).filter(|remind_at| *remind_at >= at);
        let server = self.tree.server.id.clone();
        Ok(ScheduleRecord { id, server, title, description, starts_at, ends_at, color, remind_at, created_by, changed_at: at })
    }
}
