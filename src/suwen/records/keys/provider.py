"""What the record asks of whoever holds its master keys."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class MasterProvider(Protocol):
    """Wraps and unwraps data keys under master keys that it alone holds.

    A key management service needs no more than this (``rotate`` and ``retire`` may raise ``Refused`` where
    the service's own console does it)::

        class Kms:
            def __init__(self, client, alias):
                self._client, self._alias = client, alias
            @property
            def current(self):
                return self._client.describe_key(KeyId=self._alias)["KeyMetadata"]["KeyId"]
            def wrap(self, data_key, aad):
                context = {"suwen": aad.hex()}
                said = self._client.encrypt(KeyId=self._alias, Plaintext=data_key, EncryptionContext=context)
                return said["KeyId"], said["CiphertextBlob"]
            def unwrap(self, key_id, blob, aad):
                context = {"suwen": aad.hex()}
                said = self._client.decrypt(KeyId=key_id, CiphertextBlob=blob, EncryptionContext=context)
                return said["Plaintext"]
            def rotate(self):
                fresh = self._client.create_key()["KeyMetadata"]["KeyId"]
                self._client.update_alias(AliasName=self._alias, TargetKeyId=fresh)
                return fresh
            def retire(self, key_id):
                self._client.schedule_key_deletion(KeyId=key_id)
    """

    @property
    def current(self) -> str:
        """Id of the master key that wraps from now on; asked each time, for another process may rotate."""

    def wrap(self, data_key: bytes, aad: bytes) -> tuple[str, bytes]:
        """Return the id of the current master key, and the data key under it.

        Parameters
        ----------
        data_key
            32 bytes.
        aad
            What the key is for: the same bytes must be given to :meth:`unwrap`.
        """

    def unwrap(self, key_id: str, blob: bytes, aad: bytes) -> bytes:
        """Return a data key.

        Raises
        ------
        Untrusted
            When the master key is unknown (code ``master-missing``) or the blob does not open
            (``undecryptable``).
        """

    def rotate(self) -> str:
        """Make a new master key the current one, and return its id; the old ones still unwrap.

        Raises
        ------
        Refused
            When this holder cannot (code ``keyring-fixed``).
        """

    def retire(self, key_id: str) -> None:
        """Destroy a master key that is no longer the current one; what is still under it is lost.

        Raises
        ------
        Conflict
            When it is the current one (code ``master-current``).
        NotFound
            When there is none of this id.
        Refused
            When this holder cannot (code ``keyring-fixed``).
        """
